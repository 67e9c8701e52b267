# ruff: noqa: E501 - sentences and attacks stand on one line
import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
import zlib

import pytest

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.source.tree import TreeLimits
from serviceexecution.builder.source.unpack import unpack
from tests.unit.builder.support import tar_gz

LIMITS = TreeLimits(total_bytes=1 << 20, files=20)


def tar_entry(name, content=b"", **fields):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry, content


def tar(*entries, **options):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", **options) as archive:
        for entry, content in entries:
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def link(name, target, kind=tarfile.SYMTYPE):
    return tar_entry(name, type=kind, linkname=target)


def zip_of(*entries):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name, (2026, 2, 3, 4, 5, 6))
            info.create_system = 3
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return packed.getvalue()


@pytest.fixture
def unpacked(tmp_path):
    def run(data, limits=LIMITS):
        (tmp_path / "archive").write_bytes(data)
        root = tmp_path / "source"
        root.mkdir()
        unpack(tmp_path / "archive", root, limits)
        return root

    return run


def refused(unpacked, tmp_path, data, limits=LIMITS):
    with pytest.raises(BuildError) as raised:
        unpacked(data, limits)
    outside = {path.name for path in tmp_path.iterdir()}
    assert outside == {"archive", "source"}
    return raised.value


def test_a_tar_archive_is_unpacked(unpacked):
    root = unpacked(
        tar(
            tar_entry("./", type=tarfile.DIRTYPE),
            tar_entry("./src", type=tarfile.DIRTYPE),
            tar_entry("./src/program.py", b"x = 1\n", mode=0o640, mtime=1_000_000),
            tar_entry("run.sh", b"#!/bin/sh\n", mode=0o4755),
            tar_entry("a/b/c", b"made with its folders"),
            link("alias", "src/program.py"),
            link("a/up", "../src"),
            link("second", "./src/program.py", tarfile.LNKTYPE),
        )
    )

    assert (root / "src/program.py").read_bytes() == b"x = 1\n"
    assert (root / "src/program.py").stat().st_mtime == 1_000_000
    assert stat.S_IMODE((root / "src/program.py").stat().st_mode) == 0o640
    assert stat.S_IMODE((root / "run.sh").stat().st_mode) == 0o755  # no setuid
    assert (root / "a/b/c").read_bytes() == b"made with its folders"
    assert (root / "alias").readlink().as_posix() == "src/program.py"
    assert (root / "a/up/program.py").read_bytes() == b"x = 1\n"
    assert (root / "second").read_bytes() == b"x = 1\n"


def test_a_zip_archive_is_unpacked(unpacked):
    root = unpacked(
        zip_of(
            ("src/", "", stat.S_IFDIR | 0o755),
            ("src/program.py", "x = 1\n", stat.S_IFREG | 0o600),
            ("run.sh", "#!/bin/sh\n", stat.S_IFREG | 0o6755),
            ("alias", "src/program.py", stat.S_IFLNK | 0o777),
        )
    )

    assert (root / "alias").read_text() == "x = 1\n"
    assert stat.S_IMODE((root / "run.sh").stat().st_mode) == 0o755
    assert (root / "src/program.py").stat().st_mtime == 1770091506  # 2026-02-03 04:05:06 UTC


def test_a_single_folder_at_the_top_stays(unpacked):
    assert (unpacked(tar_gz({"project/Dockerfile": "FROM x"})) / "project/Dockerfile").is_file()


def test_an_empty_archive_unpacks_to_nothing(unpacked):
    assert list(unpacked(tar()).iterdir()) == []


def test_a_file_that_nobody_may_read_can_be_read_by_the_builder(unpacked):
    root = unpacked(tar(tar_entry("x", b"x", mode=0)))

    assert stat.S_IMODE((root / "x").stat().st_mode) == 0o600


ATTACKS = {
    "absolute": (tar(tar_entry("/etc/passwd", b"x")), "'/etc/passwd' has an absolute path"),
    "up": (tar(tar_entry("a/../../x", b"x")), "'a/../../x' has '..' in its path"),
    "link to an absolute path": (tar(link("x", "/etc/passwd")), "'x' is a link to '/etc/passwd', which is not inside"),
    "link out": (tar(link("a/x", "../../y")), "'a/x' is a link to '../../y', which is not inside the source"),
    # each link looks harmless by its text; followed one after the other they lead out
    "link out by way of another": (
        tar(tar_entry("p/q", type=tarfile.DIRTYPE), link("p/q/r", "../.."), link("s", "p/q/r/../..")),
        "'s' is a link to 'p/q/r/../..', which is not inside the source",
    ),
    "file through a link": (tar(link("x", "."), tar_entry("x/y", b"x")), "'x/y' comes twice"),
    "file over a link": (tar(link("x", "y"), tar_entry("x", b"x")), "'x' comes twice"),
    "link over a folder": (tar(tar_entry("x/y", b"x"), link("x", ".")), "'x' comes twice"),
    "folder over a file": (tar(tar_entry("x", b"x"), tar_entry("x", type=tarfile.DIRTYPE)), "'x' comes twice"),
    "twice": (tar(tar_entry("x", b"1"), tar_entry("./x", b"2")), "'./x' comes twice"),
    "hard link out": (tar(link("x", "../y", tarfile.LNKTYPE)), "'..' in its path"),
    "hard link to nothing": (tar(link("x", "y", tarfile.LNKTYPE)), "is a link to 'y', which is not a file that comes before"),
    "hard link to a link": (
        tar(tar_entry("a", b"1"), link("y", "a"), link("x", "y", tarfile.LNKTYPE)),
        "is a link to 'y', which is not a file that comes before it",
    ),
    "fifo": (tar(tar_entry("x", type=tarfile.FIFOTYPE)), "'x' is neither a file nor a directory nor a link"),
    "device": (tar(tar_entry("x", type=tarfile.CHRTYPE, devmajor=1)), "is neither a file nor a directory nor a link"),
    "long part": (tar(tar_entry("n" * 256, b"x")), "has too long a path"),
    "long path": (tar(tar_entry("/".join(["n" * 200] * 11), b"x")), "has too long a path"),
    "control character": (tar(tar_entry("a\nb", b"x")), "has a control character in its name"),
    "not UTF-8": (tar(tar_entry("a\udcff", b"x"), format=tarfile.GNU_FORMAT), "has a name that is not UTF-8"),
    "no name": (tar(tar_entry(".", b"x")), "is not the name of a file"),
    "zip: up": (zip_of(("../x", "x", 0o100644)), "'../x' has '..' in its path"),
    "zip: absolute": (zip_of(("/x", "x", 0o100644)), "has an absolute path"),
    "zip: backslash": (zip_of(("a\\x", "x", 0o100644)), "has a backslash in its path"),
    "zip: link out": (zip_of(("x", "../y", stat.S_IFLNK)), "is a link to '../y', which is not inside the source"),
    "zip: device": (zip_of(("x", "", stat.S_IFCHR)), "is neither a file nor a directory nor a link"),
    "neither": (b"#!/bin/sh\n", "neither a tar.gz nor a zip file"),
    "plain tar": (gzip.decompress(tar(tar_entry("x", b"x"))), "neither a tar.gz nor a zip file"),
    "nothing": (b"", "neither a tar.gz nor a zip file"),
    "no tar in it": (gzip.compress(b"hello" * 500), "The archive is broken"),
    "cut": (tar(tar_entry("x", os.urandom(10000)))[:5000], "The archive is broken"),
    "zip: cut": (zip_of(("x", os.urandom(9999), 0o100644))[:5000], "The archive is broken"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "sentence"), ATTACKS.values(), ids=ATTACKS)
def test_attacks_are_refused_with_the_entry_s_name(unpacked, tmp_path, data, sentence):
    error = refused(unpacked, tmp_path, data)

    assert error.reason is Reason.SOURCE_INVALID
    assert sentence in error.message


def test_an_archive_of_too_many_bytes_is_refused(unpacked, tmp_path):
    data = tar(tar_entry("small", b"x"), tar_entry("large.bin", os.urandom(1 << 20)))

    error = refused(unpacked, tmp_path, data)

    assert error.reason is Reason.SOURCE_TOO_LARGE
    assert "larger than 1.0 MiB when unpacked (at 'large.bin')" in error.message


def test_hard_links_count_as_what_they_become(unpacked, tmp_path):
    names = [link(f"l{number}", "x", tarfile.LNKTYPE) for number in range(4)]

    error = refused(unpacked, tmp_path, tar(tar_entry("x", os.urandom(300_000)), *names))

    assert error.reason is Reason.SOURCE_TOO_LARGE


@pytest.mark.parametrize("kind", [tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.SYMTYPE])
def test_an_archive_of_too_many_entries_is_refused(unpacked, tmp_path, kind):
    entries = [tar_entry(f"n{number}", type=kind, linkname="x") for number in range(21)]

    error = refused(unpacked, tmp_path, tar(*entries))

    assert error.reason is Reason.SOURCE_TOO_LARGE
    assert "more than 20 files (at 'n20')" in error.message


def test_a_zip_that_lies_about_its_sizes(unpacked, tmp_path):
    data = bytearray(zip_of(("x", bytes(1 << 22), 0o100644)))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)  # "10 bytes when unpacked"

    error = refused(unpacked, tmp_path, bytes(data))

    assert error.reason in {Reason.SOURCE_INVALID, Reason.SOURCE_TOO_LARGE}


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_that_expands_too_much_is_refused(unpacked, tmp_path, kind, monkeypatch):
    monkeypatch.setattr("serviceexecution.builder.source.unpack._RATIO_FROM_BYTES", 1 << 20)
    size = 2 << 20
    data = tar(tar_entry("zeros", bytes(size))) if kind == "tar" else zip_of(("zeros", bytes(size), 33188))

    error = refused(unpacked, tmp_path, data, TreeLimits(1 << 30, 20))

    assert error.reason is Reason.SOURCE_INVALID
    assert "'zeros' is part of a decompression bomb" in error.message


def test_a_header_that_would_fill_the_memory(unpacked, tmp_path):
    header, _ = tar_entry("././@PaxHeader", type=tarfile.XHDTYPE, size=2 << 20)
    raw = header.tobuf(tarfile.USTAR_FORMAT) + bytes(2 << 20)

    error = refused(unpacked, tmp_path, gzip.compress(raw))

    assert "has a header of 2097152 bytes" in error.message


def test_a_zip_directory_that_would_fill_the_memory(unpacked, tmp_path):
    data = bytearray(zip_of(("x", "x", 0o100644)))
    at = data.rindex(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<I", 1 << 30)

    assert refused(unpacked, tmp_path, bytes(data)).reason is Reason.SOURCE_TOO_LARGE


def test_an_encrypted_zip_is_refused(unpacked, tmp_path):
    data = bytearray(zip_of(("x", "x", 0o100644)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1

    assert "'x' is encrypted" in refused(unpacked, tmp_path, bytes(data)).message


def test_a_damaged_file_in_a_zip(unpacked, tmp_path):
    content = b"hello hello hello"
    data = bytearray(zip_of(("x", content, 0o100644)))
    data[data.index(b"PK\x01\x02") + 16] ^= 0xFF  # its checksum
    assert zlib.crc32(content)

    assert "The archive is broken" in refused(unpacked, tmp_path, bytes(data)).message


def test_a_sparse_file_in_an_archive_is_refused(unpacked, tmp_path):
    entry, _ = tar_entry("x", type=tarfile.GNUTYPE_SPARSE)

    assert "is neither a file" in refused(unpacked, tmp_path, tar((entry, b""))).message


@pytest.mark.parametrize("date", [(1980, 0, 0, 0, 0, 0), (2026, 13, 40, 25, 61, 62), (2026, 2, 30, 0, 0, 0)])
def test_a_zip_file_whose_entries_have_no_date_is_unpacked(unpacked, date):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("src/program.py")
        entry.date_time = date
        archive.writestr(entry, "def run(): ...")
    root = unpacked(packed.getvalue())
    assert (root / "src/program.py").read_text() == "def run(): ..."
    assert (root / "src/program.py").stat().st_mtime == 315532800


def many_headers(number):
    """Return an archive of headers each of which belongs to the next."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2
    return gzip.compress((header.tobuf() + b"a".ljust(512, b"\0")) * number)


def damaged_zip(method):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("x", os.urandom(5000))
    data = bytearray(packed.getvalue())
    data[45:145] = bytes(100)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [many_headers(3000), damaged_zip(zipfile.ZIP_LZMA), damaged_zip(zipfile.ZIP_BZIP2)],
    ids=["headers of headers", "lzma", "bzip2"],
)
def test_other_ways_to_be_broken_are_the_archive_s_fault_too(unpacked, tmp_path, data):
    """They were "The builder failed unexpectedly", as if the platform had to be mended."""
    failed = refused(unpacked, tmp_path, data)
    assert failed.reason is Reason.SOURCE_INVALID
    assert "The archive is broken" in failed.message
