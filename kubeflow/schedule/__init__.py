"""The schedule of the pipeline on Kubeflow Pipelines 2: pipeline versions, recurring runs, single runs."""
