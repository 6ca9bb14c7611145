"""Figures of ensembles: gains by subset, pooling and temperature, and how far they hang on the draw."""
