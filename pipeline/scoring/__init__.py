"""Bulk scoring: interaction CSVs without labels, to CSVs of scores by a published version."""
