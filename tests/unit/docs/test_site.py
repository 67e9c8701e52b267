"""The documentation site has every page, and a list of them for programs that read."""

import re

import pytest

from tools import ROOT
from tools.errors import GenerationError
from tools.site import links_of, llms_text, site_files, with_folders_led_on

FILES = site_files()
CONFIGURATION = (ROOT / "mkdocs.yml").read_text()


def test_every_page_is_in_the_navigation_or_linked_by_the_index():
    named = set(re.findall(r"^ +- ([\w./-]+\.md)$", CONFIGURATION, re.MULTILINE))
    linked = set(links_of("docs/README.md", (ROOT / "docs/README.md").read_text()))
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= named | linked
    assert all((ROOT / page).is_file() for page in named)
    assert named <= set(FILES)


def test_what_pages_link_to_comes_along():
    assert {"README.md", "docs/words.md", "manifests/argocd/argocd-cm.yaml", "examples/README.md"} <= set(
        FILES
    )


def test_programs_are_told_of_every_page_with_its_first_sentence():
    text = llms_text(FILES)
    listed = re.findall(r"^- \[.+?\]\((.+?)\): \S", text, re.MULTILINE)
    assert listed == [path for path in FILES if path.endswith(".md")]
    assert (
        "- [Runbooks](docs/runbooks.md): What each alert of the chart means, and what to do about it." in text
    )
    assert "- [Documentation](docs/README.md): All pages, by what brings you here." in text
    assert (
        "- [sx, the command line](docs/cli.md): `sx` goes from a project on your machine to a result" in text
    )


def test_a_link_to_nothing_is_an_error():
    with pytest.raises(GenerationError, match=r"docs/x\.md: the link to nowhere\.md leads nowhere"):
        links_of("docs/x.md", "[a](nowhere.md)")


def test_code_and_addresses_are_no_links():
    assert links_of("docs/x.md", "[a](https://example.com/)\n```\n[b](nowhere.md)\n```\n[c](#here)") == []


def test_links_to_folders_lead_to_their_readme():
    text = "[a](../examples) [b](../manifests/schemas) [c](cli.md) [d](../examples/#x)"
    assert with_folders_led_on("docs/x.md", text) == (
        "[a](../examples/README.md) b [c](cli.md) [d](../examples/#x)"
    )
