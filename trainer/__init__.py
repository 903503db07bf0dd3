"""The Deep Interest Network and its training."""
