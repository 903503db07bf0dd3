"""Schedules the pipeline on Kubeflow Pipelines: `python kubeflow/schedule.py --help`. README.md beside it is the runbook."""

from __future__ import annotations

import sys

from pipeline.kfp.schedule.command import main

if __name__ == "__main__":
    sys.exit(main())
