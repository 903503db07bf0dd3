"""The interaction CSVs: their columns, synthetic data with a planted signal, and converters of public data."""
