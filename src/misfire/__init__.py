"""Find where a vision-language model misfires, name why, mend it without training, prove that the mend is real."""

__version__ = "0.1.0"
