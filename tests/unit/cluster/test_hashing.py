"""A content hash changes with what counts and with nothing else."""

from pathlib import Path

import pytest

from cluster.hashing import content_hash


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "a.go").write_text("package a\n")
    (tmp_path / "b.txt").write_text("b")
    return tmp_path


def test_a_fingerprint_is_the_same_for_the_same_content(tree: Path) -> None:
    assert content_hash([tree], base=tree) == content_hash([tree], base=tree)
    assert len(content_hash([tree], base=tree)) == 16


def test_a_fingerprint_changes_with_bytes_names_modes_and_salt(tree: Path) -> None:
    seen = {content_hash([tree], base=tree), content_hash([tree], base=tree, salt=["flags"])}
    (tree / "b.txt").write_text("c")
    seen.add(content_hash([tree], base=tree))
    (tree / "b.txt").rename(tree / "c.txt")
    seen.add(content_hash([tree], base=tree))
    (tree / "c.txt").chmod(0o755)
    seen.add(content_hash([tree], base=tree))
    assert len(seen) == 5


def test_tools_caches_and_times_do_not_count(tree: Path) -> None:
    before = content_hash([tree], base=tree)
    (tree / "__pycache__").mkdir()
    (tree / "__pycache__" / "x.pyc").write_bytes(b"x")
    (tree / "part" / ".mypy_cache").mkdir()
    (tree / "part" / ".mypy_cache" / "x.db").write_bytes(b"x")
    (tree / "b.txt").touch()
    assert content_hash([tree], base=tree) == before
