"""Searching templates, pooling and temperature on dev queries."""
