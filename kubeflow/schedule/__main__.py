"""`python -m kubeflow.schedule`."""

import sys

from kubeflow.schedule.cli import main

sys.exit(main())
