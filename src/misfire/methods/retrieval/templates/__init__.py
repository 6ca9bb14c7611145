"""Templates that are chosen caption by caption: predicted, gated."""
