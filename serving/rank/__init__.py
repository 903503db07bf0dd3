"""The command that ranks candidates by a served model."""
