"""How a benchmark is entered from the command line."""

import sys
from collections.abc import Callable

from remend.models.errors import RemendError


def enter(main: Callable[[], None]) -> None:
    """Run it; what a person can mend is a sentence and exit code 2, not a traceback."""
    try:
        main()
    except RemendError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
