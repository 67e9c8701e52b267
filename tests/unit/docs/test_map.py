"""The map of the rooms is complete, and the pages for contributors name files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "operator" / "serviceexecution"
MAP = (ROOT / "docs" / "architecture" / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "architecture").glob("*.md"))]
ROOMS = sorted(
    str(path.parent.relative_to(PACKAGE)) + "/"
    for path in PACKAGE.rglob("__init__.py")
    if path.parent != PACKAGE and "templates" not in path.parts
)
ELSEWHERE = {"src/program.py", "dist/sbom/"}
"""A file of a user's project, and a folder that a command writes."""
NAMED = sorted(
    {
        (page, name)
        for page in PAGES
        for name in re.findall(r"`((?:[a-z_0-9.]+/)*(?:[a-z_0-9]+\.py|[a-z_0-9]+/))`", page.read_text())
        if name not in ELSEWHERE
    }
)


@pytest.mark.parametrize("room", ROOMS)
def test_room_is_on_the_map(room):
    assert f"`{room}`" in MAP, "docs/architecture/README.md has a table of the rooms"


@pytest.mark.parametrize("folder", sorted(path.name for path in ROOT.iterdir() if path.is_dir()))
def test_folder_beside_the_package_is_on_the_map(folder):
    if folder.startswith(".") or folder in {"dist", "__pycache__"}:
        pytest.skip("not in the repository")
    assert f"`{folder}/" in MAP, "docs/architecture/README.md has a table of the folders"


@pytest.mark.parametrize(("page", "name"), NAMED, ids=lambda value: str(value).removeprefix(f"{ROOT}/"))
def test_file_that_a_page_names_exists(page, name):
    places = [ROOT / name, PACKAGE / name]
    if "/" not in name.removesuffix("/"):
        places += [*PACKAGE.rglob(name), *(ROOT / "tests").rglob(name)]
    assert any(place.exists() for place in places)
