"""What image builds leave mounted, and who may take it away."""

from pathlib import Path

import pytest

from cluster.images import build
from cluster.images.build import storage_mounts, unmount_storage
from cluster.lock import if_free

TABLE = r"""proc /proc proc rw 0 0
none /caches/my\040own/buildah/root/overlay ext4 rw 0 0
overlay /caches/my\040own/buildah/root/overlay/67/merged overlay rw 0 0
overlay /caches/my\040own/buildah-of-another/overlay overlay rw 0 0
"""


def test_mounts_of_the_builders_storage_are_found_the_innermost_first() -> None:
    storage = Path("/caches/my own/buildah/root/overlay")
    assert storage_mounts(Path("/caches/my own"), TABLE) == [storage / "67/merged", storage]


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
