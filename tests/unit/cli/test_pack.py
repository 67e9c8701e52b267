"""What goes along, and that the same content gives the same archive."""

import os
import tarfile
import time

import pytest

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.pack.archive import write_archive
from serviceexecution.cli.pack.select import PackedFile, folders, select
from serviceexecution.cli.sizes import shown_size


def write(root, *paths, **contents):
    for path in (*paths, *contents):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(contents.get(path, path))


def paths_of(root, **options):
    return [file.path for file in select(root, **options).files]


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_all_but_what_is_never_part_of_a_source(root):
    write(
        root,
        "a.py",
        "b/c.py",
        ".git/config",
        "b/__pycache__/c.pyc",
        "env/pyvenv.cfg",
        "env/lib/x.py",
        "sx.yaml",
    )
    assert paths_of(root, never=frozenset({"sx.yaml"})) == ["a.py", "b/c.py"]


def test_neither_ignore_file_lets_in_what_the_other_leaves_out(root):
    write(
        root,
        "src/a.py",
        "src/secret.env",
        "notes.txt",
        **{".dockerignore": "*\n!src\n", ".gitignore": "*.env\n"},
    )
    selection = select(root)
    assert [file.path for file in selection.files] == [".dockerignore", "src/a.py"]
    assert selection.left_out == [".gitignore", "notes.txt", "src/secret.env"]
    assert paths_of(root, use_git_ignore=False) == [".dockerignore", "src/a.py", "src/secret.env"]


def test_dockerfile_and_dockerignore_always_go(root):
    write(root, "Dockerfile", "a", **{".dockerignore": "**\n"})
    assert paths_of(root) == [".dockerignore", "Dockerfile"]
    write(root, "docker/app.Dockerfile", "docker/b")
    assert paths_of(root, dockerfile="docker/app.Dockerfile") == [".dockerignore", "docker/app.Dockerfile"]


def test_a_dockerfile_may_have_an_ignore_file_of_its_own(root):
    write(root, "Dockerfile", "a", "b", **{".dockerignore": "a\n", "Dockerfile.dockerignore": "b\n"})
    assert paths_of(root) == [".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "a"]


def test_nested_gitignore_files_and_those_above_up_to_the_repository(root):
    write(root.parent, ".git/config", **{".gitignore": "*.env\nproject/big\n"})
    write(root, "a.env", "big", "sub/keep.env", "sub/x.log", **{"sub/.gitignore": "!keep.env\n*.log\n"})
    assert paths_of(root) == ["sub/.gitignore", "sub/keep.env"]


def test_what_lies_above_a_project_without_a_repository_does_not_count(root):
    write(root.parent, **{".gitignore": "*\n"})
    write(root, "a")
    assert paths_of(root) == ["a"]


def test_links_inside_go_along_and_links_out_are_refused(root):
    write(root, "a/b", "outside")
    (root / "a" / "link").symlink_to("../outside")
    assert PackedFile("a/link", 0, link="../outside") in select(root).files
    for target in ("/etc/passwd", "../../x", "../a/../../x"):
        (root / "a" / "bad").symlink_to(target)
        with pytest.raises(CommandError, match=r"a/bad is a link to .* out of the project"):
            select(root)
        (root / "a" / "bad").unlink()
    (root / "out").symlink_to("a/deep/../../..")
    with pytest.raises(CommandError, match="out of the project"):
        select(root)


def test_a_link_that_leads_out_by_another_link_is_refused(root):
    write(root, "deep/dir/x")
    (root / "deep" / "dir" / "up").symlink_to("../..")
    (root / "tricky").symlink_to("deep/dir/up/..")
    with pytest.raises(CommandError, match="tricky is a link"):
        select(root)


def test_an_ignored_link_out_does_not_matter(root):
    write(root, "a", **{".dockerignore": "bad\n"})
    (root / "bad").symlink_to("/etc")
    assert paths_of(root) == [".dockerignore", "a"]


def test_a_socket_or_pipe_is_named(root):
    os.mkfifo(root / "pipe")
    with pytest.raises(CommandError, match="pipe is neither a file nor a folder"):
        select(root)


def archive(root, target, **options):
    return write_archive(root, select(root).files, target, **options)


def test_the_same_content_has_the_same_digest(root, tmp_path):
    write(root, "b", "a/z", "a/b")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o700)
    first = archive(root, tmp_path / "1.tar.gz")
    os.utime(root / "b", (1, 1))
    (root / "b").chmod(0o600)
    (root / "run.sh").chmod(0o755)
    time.sleep(0.01)
    second = archive(root, tmp_path / "2.tar.gz")
    assert first.digest == second.digest
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.size == first.path.stat().st_size
    (root / "run.sh").chmod(0o644)
    assert archive(root, tmp_path / "3.tar.gz").digest != first.digest


def test_the_digest_of_this_content_never_changes(root, tmp_path):
    write(root, "a", "b/c")
    with tarfile.open(archive(root, tmp_path / "x.tar.gz").path) as tar:
        members = [(m.name, m.mode, m.uid, m.gid, m.uname, m.mtime) for m in tar.getmembers()]
    assert members == [("a", 0o644, 0, 0, "", 499162500), ("b/c", 0o644, 0, 0, "", 499162500)]
    assert (tmp_path / "x.tar.gz").read_bytes()[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


def test_too_large_names_the_largest_files(root, tmp_path):
    write(root, "small")
    (root / "half.bin").write_bytes(os.urandom(1500))
    (root / "large.bin").write_bytes(os.urandom(3000))
    with pytest.raises(
        CommandError,
        match=r"larger than 1 KiB; use .* to leave out .*: large\.bin \(2\.9 KiB\), half\.bin \(1\.5 KiB\)\.$",
    ):
        archive(root, tmp_path / "x.tar.gz", limit=1024)


def test_a_file_that_shrinks_meanwhile_is_an_error(root, tmp_path):
    write(root, "a")
    with pytest.raises(CommandError, match="cannot be packed"):
        write_archive(root, [PackedFile("a", 100)], tmp_path / "x.tar.gz")


def test_packing_tells_its_progress_and_the_folders_sizes(root, tmp_path):
    write(root, "b", "a/z", "a/yy")
    seen: list[int] = []
    archive(root, tmp_path / "x.tar.gz", progress=seen.append)
    assert seen == [4, 7, 8]
    assert list(folders(select(root).files)) == [("a/", 2, 7), ("b", 1, 1)]


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (104857600, "100 MiB"),
        (3 * 2**30, "3 GiB"),
    ],
)
def test_packed_sizes_are_shown_for_people(size, shown):
    assert shown_size(size) == shown
