"""`sx` on terminals that are not UTF-8, into full disks, and into pipes that close."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typing_extensions import override

from serviceexecution.cli.console import say, take_any_text


def sx(*words, stdout, **environment):
    return subprocess.run(
        [sys.executable, "-m", "serviceexecution.cli.main", *words],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )


class Terminal(io.TextIOWrapper):
    @override
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", b"\\u2026 \\xe9"), ("latin-1", b"\\u2026 \xe9")])
def test_a_terminal_shows_in_escapes_what_its_encoding_lacks(monkeypatch, encoding, shown):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Terminal(written, encoding=encoding))
    take_any_text()
    say("\u2026 \xe9")
    assert written.getvalue() == shown + b"\n"


def test_files_and_pipes_get_utf_8_whatever_the_locale_is(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    take_any_text()
    say("\u2026")
    assert written.getvalue() == "\u2026\n".encode()


def test_a_name_that_is_no_text_is_printed_all_the_same(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="utf-8"))
    take_any_text()
    say(os.fsdecode(b"b\xe4d"))
    assert written.getvalue() == b"b\\udce4d\n"


def test_help_is_printed_in_any_locale():
    done = sx("status", "--help", stdout=subprocess.PIPE, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_a_sentence(tmp_path):
    with Path("/dev/full").open("wb") as full:
        done = sx("init", "python", "plot", "--directory", str(tmp_path / "plot"), stdout=full)
    assert (done.returncode, done.stderr) == (1, "sx: No space left on device\n")


def test_a_pipe_that_closes_ends_it_without_a_word(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = sx("init", "python", "plot", "--directory", str(tmp_path / "plot"), stdout=closed)
    assert (done.returncode, done.stderr) == (1, "")
