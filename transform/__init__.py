"""The feature declaration and everything that turns raw columns into model features."""
