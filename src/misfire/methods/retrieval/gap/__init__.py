"""The oracle gap: what gold labels are worth."""
