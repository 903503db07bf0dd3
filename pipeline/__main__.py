"""`python -m pipeline`: the command `community-din`."""

from pipeline.cli import main

main(prog_name="community-din")
