"""Starts the embedded server: `python -m serving FLAGS`."""

from __future__ import annotations

import sys

from serving.server.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
