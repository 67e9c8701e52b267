"""The cluster's registry gets each base image once, under the name that builds look for."""

import gzip
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from cluster.errors import LauncherError
from cluster.images.layers import LayerStore
from cluster.images.seeding import Registry, digest_of, mirror_name, missing, read_content, send

BASE = "docker.io/library/base:1"


@dataclass
class Store:
    """A registry that keeps things in memory; `writes` names what was uploaded, `broken` makes it fail."""

    manifests: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    broken: bool = False


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def registry(store: Store) -> Iterator[Registry]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            kind, name = self.path.rsplit("/", 2)[1:]
            found = store.manifests.get(self.path) if kind == "manifests" else store.blobs.get(name)
            self._end(404 if found is None else 200, digest_of(found or b""))

        def do_POST(self) -> None:
            self._end(500 if store.broken else 202)

        def do_PUT(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            place = urlsplit(self.path)
            if "/manifests/" in place.path:
                store.manifests[place.path] = data
                store.writes.append("manifest")
            else:
                digest = parse_qs(place.query)["digest"][0]
                assert digest == digest_of(data)
                store.blobs[digest] = data
                store.writes.append("blob")
            self._end(201)

        def _end(self, status: int, digest: str = "") -> None:
            self.send_response(status)
            self.send_header("Docker-Content-Digest", digest)
            self.send_header("Location", f"http://elsewhere.example{self.path}here?state=1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Registry("127.0.0.1", server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


def archive(path: Path, *layers: bytes) -> Path:
    """A file as `docker save` writes it."""
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]}})
    names = [f"{digest_of(layer)[7:]}.tar" for layer in layers]
    manifest = json.dumps([{"Config": "c.json", "RepoTags": [BASE], "Layers": names}])
    with tarfile.open(path, "w") as target:
        for name, data in {
            **dict(zip(names, layers, strict=True)),
            "c.json": config.encode(),
            "manifest.json": manifest.encode(),
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            target.addfile(entry, io.BytesIO(data))
    return path


def test_the_name_in_the_registry_begins_with_the_origins_host() -> None:
    assert mirror_name("ghcr.io/serviceexecution/python:3.11-0.1.0") == (
        "ghcr.io/serviceexecution/python",
        "3.11-0.1.0",
    )


def test_a_base_image_is_sent_once(tmp_path: Path, registry: Registry, store: Store) -> None:
    contents = {BASE: read_content(archive(tmp_path / "a.tar", b"one", b"two"), LayerStore(tmp_path))}
    assert missing(registry, contents) == [BASE]
    send(registry, BASE, contents[BASE])
    manifest = json.loads(store.manifests["/v2/docker.io/library/base/manifests/1"])
    layers = [gzip.decompress(store.blobs[layer["digest"]]) for layer in manifest["layers"]]
    assert layers == [b"one", b"two"]
    assert json.loads(store.blobs[manifest["config"]["digest"]])["rootfs"]["type"] == "layers"
    assert store.writes == ["blob", "blob", "blob", "manifest"]
    assert missing(registry, contents) == []


def test_changed_content_sends_what_changed(tmp_path: Path, registry: Registry, store: Store) -> None:
    layers = LayerStore(tmp_path)
    send(registry, BASE, read_content(archive(tmp_path / "a.tar", b"one", b"two"), layers))
    store.writes.clear()
    changed = read_content(archive(tmp_path / "b.tar", b"one", b"three"), layers)
    assert missing(registry, {BASE: changed}) == [BASE]
    send(registry, BASE, changed)
    assert store.writes == ["blob", "blob", "manifest"]  # the new layer and the configuration


def test_a_layer_is_compressed_once_and_always_to_the_same(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", b"one")
    first = LayerStore(tmp_path / "first")
    content = read_content(path, first)
    assert read_content(path, LayerStore(tmp_path / "second")) != content  # other files
    assert read_content(path, LayerStore(tmp_path / "second")).manifest == content.manifest
    kept = first.find(digest_of(b"one"))
    assert kept is not None
    written = kept.path.stat().st_mtime_ns
    read_content(path, first)
    assert kept.path.stat().st_mtime_ns == written


def test_layers_of_no_image_are_dropped(tmp_path: Path) -> None:
    layers = LayerStore(tmp_path / "layers")
    read_content(archive(tmp_path / "a.tar", b"one", b"two"), layers)
    layers.keep_only({digest_of(b"two")})
    assert layers.find(digest_of(b"one")) is None
    assert layers.find(digest_of(b"two")) is not None


def test_a_registry_that_refuses_is_quoted(tmp_path: Path, registry: Registry, store: Store) -> None:
    store.broken = True
    content = read_content(archive(tmp_path / "a.tar", b"one"), LayerStore(tmp_path))
    with pytest.raises(
        LauncherError, match=r"registry refused POST /v2/docker\.io/library/base/blobs/uploads/: 500"
    ):
        send(registry, BASE, content)


def test_no_registry_is_said() -> None:
    assert not Registry("127.0.0.1", 1).answers()
    with pytest.raises(LauncherError, match="does not answer"):
        Registry("127.0.0.1", 1).has("a", "manifests", "b")


def test_something_else_than_an_image_is_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w"):
        pass
    with pytest.raises(LauncherError, match=r"x\.tar is not an image archive: it has no manifest\.json"):
        read_content(tmp_path / "x.tar", LayerStore(tmp_path))
