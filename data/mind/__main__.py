"""`python -m data.mind`."""

import sys

from data.mind.convert import main

sys.exit(main())
