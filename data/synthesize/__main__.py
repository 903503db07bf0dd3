"""`python -m data.synthesize`."""

import sys

from data.synthesize.command import main

sys.exit(main())
