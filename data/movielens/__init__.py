"""The MovieLens converter."""
