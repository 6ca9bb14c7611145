"""Failure modes in words: which images a model fails on, and what these have in common."""

from misfire.methods.modes.prime import Criteria, Mode, greedy_prime, prime, success_modes

__all__ = ["Criteria", "Mode", "greedy_prime", "prime", "success_modes"]
