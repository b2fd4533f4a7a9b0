"""The program of a process that fine-tunes for another one (``app.tuning.worker``).

Its arguments are the module search path of the program that starts it.
"""

import sys

if __name__ == "__main__":
    sys.path[:] = sys.argv[1:]
    from remend.app.tuning.worker import serve_tuning

    serve_tuning()
