"""`python -m spinscape`."""

import sys

from spinscape.cli import main

if __name__ == "__main__":  # workers of mpi4py.futures and of spawned processes import this module too
    sys.exit(main())
