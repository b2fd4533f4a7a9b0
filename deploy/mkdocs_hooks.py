"""What the site needs beyond ``docs/``: the project's own pages, and a table of contents that fits.

Links that lead out of ``docs/`` lead to copies of these pages; those to other files of the project become
plain words, since a site does not have them.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "README.md", "LICENSE")


def on_files(files: Files, config: Any) -> Files:
    """Add the project's pages and the cards of the weights, and fit the table of contents."""
    for name in COPIED:
        target = name if name.endswith(".md") else f"{name}.txt"
        files.append(File.generated(config, f"project/{target}", abs_src_path=str(ROOT / name)))
    for card in sorted(ROOT.glob("weights/*.md")):
        files.append(File.generated(config, f"project/weights/{card.name}", abs_src_path=str(card)))
    named: set[str] = set()
    nav = [entry for entry in (_fit(entry, files, named) for entry in config.nav) if entry]
    # A page is written before somebody thinks of naming it here.
    pages = [file.src_uri for file in files.documentation_pages()]
    others = [uri for uri in pages if uri not in named and "/" not in uri]
    config.nav = [*nav, {"More": others}] if others else nav
    return files


def _fit(entry: Any, files: Files, named: set[str]) -> Any:
    """An entry of the table of contents without the pages that are missing."""
    ((title, target),) = entry.items()
    if isinstance(target, list):
        inner = [part for part in (_fit(part, files, named) for part in target) if part]
        return {title: inner} if inner else None
    if files.get_file_from_path(target) is None:
        return None
    named.add(target)
    return entry


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links between ``docs/`` and the rest of the project into links of the site."""
    if page.file.src_uri.startswith("project/"):
        up = "../" * page.file.src_uri.count("/")
        markdown = re.sub(r"\]\((?:\.\./)?docs/", f"]({up}", markdown)
        markdown = re.sub(r"\]\(LICENSE\)", "](LICENSE.txt)", markdown)
        inside = r"(?:CONTRIBUTING|CHANGELOG|SECURITY|README)\.md|weights/[\w.-]+\.md"
        return re.sub(
            rf"\[([^\]]+)\]\((?!{inside}|LICENSE|{up}|https?:|#|[\w-]+\.md)[^)]+\)", r"\1", markdown
        )
    markdown = re.sub(
        r"\]\(\.\./((?:CONTRIBUTING|CHANGELOG|SECURITY|README)\.md|weights/[\w.-]+\.md)",
        r"](project/\1",
        markdown,
    )
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]+\)", r"\1", markdown)
