"""The tau profile: every temperature between max and mean from one pass."""
