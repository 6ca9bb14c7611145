"""Which templates a gain comes from."""
