"""Pages of rendered text, to fine-tune an upscaler on and to measure it with.

    python benchmarks/text_pages.py FOLDER [--pages N] [--seed N]

Every page is another draw of fonts, sizes, inks and papers; pages of different seeds share no line.
"""

import argparse
import random
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

WORDS = (
    "the of and to in is was for that with as on by at from his her it an were which are be this had "
    "light paper river harbour engine window garden letter winter morning captain journey silver "
    "museum bridge Quality 1874 Friday North £12 (see) §7 – however, nothing; question? always: near"
)


def find_fonts() -> list[str]:
    """The text fonts that matplotlib ships."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return sorted(str(file) for file in folder.glob("DejaVu*.ttf") if "Display" not in file.name)


def draw_page(seed: int, width: int = 480, height: int = 640) -> Image.Image:
    """One page: paragraphs of words in one family of settings."""
    chance, words = random.Random(seed), WORDS.split()
    paper = tuple(chance.randint(225, 255) for _ in range(3))
    ink = tuple(chance.randint(0, 70) for _ in range(3))
    page = Image.new("RGB", (width, height), paper)
    pen = ImageDraw.Draw(page)
    margin, y = chance.randint(16, 40), chance.randint(16, 40)
    while y < height - margin:
        font = ImageFont.truetype(
            chance.choice(find_fonts()), chance.choice((9, 10, 11, 12, 14, 22))
        )
        for _ in range(chance.randint(2, 9)):
            line = ""
            while pen.textlength(line, font=font) < width - 2 * margin:
                line += chance.choice(words) + " "
            pen.text((margin, y), line.rstrip().rpartition(" ")[0], ink, font=font)
            y += round(font.size * chance.uniform(1.25, 1.5))
        y += round(font.size)
    return page


def draw_pages(folder: Path, pages: int, seed: int) -> None:
    """Save pages as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(pages):
        draw_page(1000 * seed + number).save(folder / f"page-{seed}-{number:03d}.png")


def main() -> None:
    """Draw what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw_pages(arguments.folder, arguments.pages, arguments.seed)


if __name__ == "__main__":
    main()
