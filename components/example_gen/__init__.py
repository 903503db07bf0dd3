"""Ingestion: interaction CSVs to tf.Examples, read by the declared types."""
