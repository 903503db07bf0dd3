"""`python -m data.kuairand`."""

import sys

from data.kuairand.convert import main

sys.exit(main())
