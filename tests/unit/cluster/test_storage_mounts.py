"""What image builds leave mounted, and who may take it away."""

from pathlib import Path

import pytest

from cluster.images import build
from cluster.images.build import storage_mounts, unmount_storage
from cluster.lock import if_free

CACHE = Path("/caches/my own")
STORAGE = CACHE.joinpath("buildah", "root", "overlay")
TABLE = f"""proc /proc proc rw 0 0
none {STORAGE} ext4 rw 0 0
overlay {STORAGE}/67/merged overlay rw 0 0
overlay {CACHE}/buildah-of-another/overlay overlay rw 0 0
""".replace(str(CACHE), r"/caches/my\040own")


def test_mounts_of_the_builders_storage_are_found_the_innermost_first() -> None:
    assert storage_mounts(CACHE, TABLE) == [STORAGE / "67/merged", STORAGE]


def test_a_build_that_runs_keeps_its_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Path] = []
    monkeypatch.setattr(build, "storage_mounts", lambda _cache, _table: [Path("/a-mount")])
    monkeypatch.setattr(build, "_unmount", taken.append)
    with if_free(tmp_path / "images.lock") as free:
        assert free
        unmount_storage(tmp_path)
        assert taken == []
    unmount_storage(tmp_path)
    assert taken == [tmp_path]
