"""Puts the pages of the documentation site together: ``python -m tools.site DIRECTORY``.

The site has the shape of the repository: pages link to each other there as they do here, and what a page links to comes
along. It also gets `llms.txt`, a list of all pages for programs that read.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path, PurePosixPath
from typing import Final

from tools import ROOT
from tools.errors import GenerationError

START: Final = "README.md"
INDEX: Final = "index.md"
_LINK: Final = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(?:#[^)\s]*)?\)")
_FENCED: Final = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^# (.+)$", re.MULTILINE)
_WHOLE_LINK: Final = re.compile(r"\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s#]+)\)")
_LINKED: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_NO_PROSE: Final = re.compile(r"[#|<\[!-]|\* |\d+\. ")
"""Beginnings of headings, tables, pictures and lists."""


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.site", description=__doc__)
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    files = site_files()
    shutil.rmtree(directory, ignore_errors=True)
    for path in files:
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".md"):
            target.write_text(with_folders_led_on(path, (ROOT / path).read_text()))
        else:
            shutil.copyfile(ROOT / path, target)
    (directory / "llms.txt").write_text(llms_text(files))
    return 0


def site_files() -> list[str]:
    """Return the paths, from the repository's root, of all pages that the first one leads to, and of what they show.

    Raises GenerationError for a link to nothing.
    """
    found: set[str] = set()
    new = [START, *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))]
    while new:
        path = new.pop()
        if path in found:
            continue
        found.add(path)
        if path.endswith(".md"):
            new += links_of(path, (ROOT / path).read_text())
    return sorted(found)


def links_of(path: str, text: str) -> list[str]:
    """Return the files of the repository that a page links to, and the READMEs of folders."""
    linked = []
    for link in _LINK.findall(_FENCED.sub("", text)):
        target = (ROOT / PurePosixPath(path).parent / link).resolve()
        if not target.exists() or not target.is_relative_to(ROOT):
            raise GenerationError(f"{path}: the link to {link} leads nowhere.")
        if target.is_dir():
            target /= START
        if target.is_file():
            linked.append(str(target.relative_to(ROOT)))
    return linked


def with_folders_led_on(path: str, text: str) -> str:
    """Return a page whose links to folders lead to their README: a site shows none. Without one, the text is left."""

    def led_on(link: re.Match[str]) -> str:
        folder = (ROOT / PurePosixPath(path).parent / link[2]).resolve()
        if not folder.is_dir():
            return link[0]
        return f"[{link[1]}]({link[2].rstrip('/')}/{START})" if (folder / START).is_file() else link[1]

    return _WHOLE_LINK.sub(led_on, text)


def llms_text(files: list[str]) -> str:
    """Return what programs that read the site are told: each page with its first sentence."""
    pages = [path for path in files if path.endswith(".md")]
    first = _said((ROOT / START).read_text())
    lines = [f"- [{_title(path)}]({path}): {_said((ROOT / path).read_text())}" for path in pages]
    return "\n".join([f"# {_title(START)}", "", f"> {first}", "", "## Pages", "", *lines, ""])


def _title(path: str) -> str:
    heading = _HEADING.search(_FENCED.sub("", (ROOT / path).read_text()))
    return heading[1] if heading is not None else PurePosixPath(path).stem


def _said(text: str) -> str:
    """Return the first sentence of a page's prose."""
    for paragraph in _FENCED.sub("", text).split("\n\n"):
        plain = " ".join(_LINKED.sub(r"\1", paragraph).split())
        if plain and not _NO_PROSE.match(plain) and not paragraph.startswith("    "):
            return re.split(r"(?<=[.:])\s", plain)[0].rstrip(":")
    return "Tables."


if __name__ == "__main__":
    try:
        sys.exit(main())
    except GenerationError as error:
        sys.exit(f"error: {error}")
