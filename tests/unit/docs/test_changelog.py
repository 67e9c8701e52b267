"""Each change since the last release has a file of its own, in a form that the release can assemble."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "changelog.d"
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]
KINDS = [kind["directory"] for kind in CONFIG["type"]]
FRAGMENTS = sorted(path for path in FOLDER.iterdir() if path.name not in CONFIG["ignore"])
NAME = re.compile(rf"[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(KINDS)})\.md")
LINK = re.compile(r"\]\((?!https?:)([^)\s#]+)[^)]*\)")


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda fragment: fragment.name)
def test_fragment_is_named_after_its_subject_and_kind(fragment):
    assert NAME.fullmatch(fragment.name), f"<subject>.<kind>.md, the kind one of {', '.join(KINDS)}"


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda fragment: fragment.name)
def test_fragment_is_one_paragraph_of_whole_sentences(fragment):
    text = fragment.read_text()
    assert text == text.strip() + "\n", "one newline at the end, no space around the text"
    assert "\n\n" not in text, "one paragraph: a second one is a second change"
    assert not re.match(r"[-*#]", text), "without a bullet or a heading: the release adds both"
    assert text.rstrip().endswith("."), "a sentence ends with a full stop"
    first = text[0]
    assert first.isupper() or first == "`", "a sentence begins with a capital letter, or with code"


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda fragment: fragment.name)
def test_links_of_fragment_lead_somewhere_from_the_changelog(fragment):
    assert not [link for link in LINK.findall(fragment.read_text()) if not (ROOT / link).exists()]


def test_changelog_has_the_place_where_the_release_puts_the_fragments():
    assert CONFIG["start_string"] in (ROOT / CONFIG["filename"]).read_text()
    assert (ROOT / CONFIG["template"]).is_file()


def test_release_assembles_every_fragment():
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "next"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    text = " ".join(result.stdout.split())
    assert not [path.name for path in FRAGMENTS if " ".join(path.read_text().split()) not in text]
