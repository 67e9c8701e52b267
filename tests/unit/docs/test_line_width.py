"""Prose in Markdown pages has one line width, so that a difference shows the sentence that changed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
COLUMNS = 120
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part == "dist" for part in path.relative_to(ROOT).parts)
)
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
ONE_PIECE = re.compile(r"\W*(`[^`]+`|\[[^\]]+\]\([^)]+\))\W*")
"""A line that is one piece of code or one link: nothing in it can go to the next line."""


def long_lines(text: str) -> list[str]:
    """Return the lines of prose that are too long; tables and code may be."""
    return [
        line
        for line in FENCED.sub("", text).splitlines()
        if len(line) > COLUMNS
        and not line.lstrip().startswith("|")
        and not line.startswith("    ")
        and not ONE_PIECE.fullmatch(line)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_has_at_most_120_columns(page):
    assert not long_lines(page.read_text())


def test_long_sentence_is_found():
    assert long_lines("word " * 25)


@pytest.mark.parametrize("line", ["| " + "cell " * 30, "    " + "code " * 30, "`" + "code " * 30 + "`."])
def test_table_code_and_one_long_piece_may_be_longer(line):
    assert not long_lines(line)
