"""The pipeline on Kubeflow Pipelines: its compiler, and what each step of it runs."""
