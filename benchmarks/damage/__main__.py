"""``python -m benchmarks.damage``: see `benchmarks.damage.measure`."""

from benchmarks.damage.measure import main
from benchmarks.entry import enter

if __name__ == "__main__":
    enter(main)
