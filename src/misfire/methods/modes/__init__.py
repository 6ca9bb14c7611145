"""Failure modes in words: which images a model fails on, and what these have in common."""

from misfire.methods.modes.prime import Criteria, Mode, greedy_prime, prime, success_modes
from misfire.methods.modes.significance import Significance, significance

__all__ = ["Criteria", "Mode", "Significance", "greedy_prime", "prime", "significance", "success_modes"]
