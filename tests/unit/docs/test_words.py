"""The glossary is in order, and each of its words is in use."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "words.md"
WORDS = re.findall(r"^\*\*(.+?)\*\*:", PAGE.read_text(), re.MULTILINE)


@cache
def used_text() -> str:
    """Return all code and all other pages, in lower case, with the words of names apart."""
    files = [
        *(ROOT / "operator" / "serviceexecution").rglob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
        *(page for page in (ROOT / "docs").rglob("*.md") if page != PAGE),
        ROOT / "CONTRIBUTING.md",
    ]
    text = "\n".join(path.read_text() for path in files)
    return re.sub(r"[-_]", " ", text).lower()


def test_the_glossary_has_words():
    assert len(WORDS) > 40


def test_words_are_in_alphabetical_order_and_there_once():
    assert sorted(set(WORDS), key=str.lower) == WORDS


@pytest.mark.parametrize("word", WORDS)
def test_word_is_used_in_code_or_pages(word):
    assert re.search(rf"\b{re.escape(word.lower())}", used_text())
