"""The markup, style and scripts of the page's own components, as they lie in ``editor``."""

import re
from pathlib import Path

SCRIPTS = Path(__file__).parent / "editor"
"""The modules, markup and style; ``server`` serves them below ``MODULES``."""
MODULES = "/remend"  # the scripts that start components say it as well

_ICON = re.compile(r'<i data-icon="([a-z-]+)"></i>')


def read_file(name: str) -> str:
    """The text of a file in ``editor``."""
    return (SCRIPTS / name).read_text(encoding="utf-8")


def put_icons(markup: str) -> str:
    """Replace each ``<i data-icon="name"></i>`` by the picture of that name in ``editor/icons``."""

    def picture(found: re.Match[str]) -> str:
        return read_file(f"icons/{found[1]}.svg").replace("<svg", '<svg aria-hidden="true"', 1)

    return _ICON.sub(picture, markup)
