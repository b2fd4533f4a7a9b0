"""Draw upscale-networks.png: quality against milliseconds, from benchmarks/results/upscale-networks.csv.

python docs/pictures/make_plot.py
"""

import csv
from pathlib import Path

from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
TABLE = HERE.parent.parent / "benchmarks" / "results" / "upscale-networks.csv"


def main() -> None:
    """Write the figure."""
    with TABLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for row, marker in zip(rows, "osD^vXP", strict=True):
        at = float(row["milliseconds"]), float(row["set5_db"])
        label = row["network"] + (", shipped" if row["shipped"] else "")
        axes.plot(*at, marker, markersize=8, alpha=0.8, label=label)
    axes.set_xlabel("ms of one thread for a tile of 128 x 128 px, bf16")
    axes.set_ylabel("Y-PSNR on Set5 x4, dB")
    axes.set_title("200 seconds of one core each", fontsize=10)
    axes.margins(0.15)
    axes.legend(loc="center left", fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(HERE / "upscale-networks.png", dpi=110)


if __name__ == "__main__":
    main()
