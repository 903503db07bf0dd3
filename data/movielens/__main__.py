"""`python -m data.movielens`."""

import sys

from data.movielens.convert import main

sys.exit(main())
