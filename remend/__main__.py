"""``python -m remend``: the command line."""

import sys

from remend.app.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
