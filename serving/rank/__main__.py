"""`python -m serving.rank`."""

import sys

from serving.rank.command import main

sys.exit(main())
