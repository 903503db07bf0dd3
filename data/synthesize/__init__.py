"""Synthetic interaction CSVs with a planted signal."""
