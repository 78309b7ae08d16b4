"""The site also shows pages that live elsewhere in the repository; a link that works in the repository works on the site."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
ELSEWHERE = {
    "README.md": "overview.md",
    "CHANGELOG.md": "changes.md",
    "LICENSE": "license.txt",
    "deploy/README.md": "deploy.md",
}
"""From the path in the repository to the path in the site."""
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|link(?! rel="canonical"))\b[^>]*\b(?:src|href)="?(?:https?:)?//[^\s">]*"""
)
_TARGET = re.compile(r"(?<=\]\()(?!#|[a-z]+:)[^)\s#]+")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages from elsewhere."""
    for path, shown in ELSEWHERE.items():
        files.append(File.generated(config, shown, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Point each relative link to where the site has its target."""
    shown = page.file.src_uri
    path = next((path for path, other in ELSEWHERE.items() if other == shown), f"docs/{shown}")
    return _TARGET.sub(lambda found: _on_site(found[0], path, shown), markdown)


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Refuse a page for which a browser would ask another host: that host would see who reads it."""
    if found := _LOADED.search(output):
        raise PluginError(f"{page.file.src_uri}: loads from another host: {found[0]}")
    return output


def _on_site(target: str, path: str, shown: str) -> str:
    meant = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    there = ELSEWHERE.get(meant, meant.removeprefix("docs/"))
    return posixpath.relpath(there, posixpath.dirname(shown) or ".")
