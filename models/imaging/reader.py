"""The program of a process that reads files for another one (``models.imaging.apart``).

Its arguments are the module search path of the program that starts it.
"""

import sys

if __name__ == "__main__":
    sys.path[:] = sys.argv[1:]
    from remend.models.imaging.apart import serve_pictures

    serve_pictures()
