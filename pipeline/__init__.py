"""The pipeline: its configuration, its graph, and what a person sees of a run."""
