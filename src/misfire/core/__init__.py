"""What every room stands on: errors, content hashes, atomic files, seeded randomness, progress."""
