"""Hydra's grid of jobs, each of which is composed once: to be checked before any runs, and to run."""
