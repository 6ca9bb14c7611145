"""``python -m misfire.cli``."""

import sys

from misfire.cli import main

if __name__ == "__main__":
    sys.exit(main())
