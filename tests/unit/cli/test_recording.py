"""What a first service looks like in a terminal, as docs/cli.md shows it: recorded from ``sx`` itself.

``SX_SCREENSHOTS=1`` writes it anew, as it does the pictures of the console.
"""

import os
import re
from typing import Final

from tests.unit.cli.endings import built, ends
from tools import ROOT

PAGE: Final = ROOT / "docs" / "cli.md"
BEGIN: Final = "<!-- recording: made by SX_SCREENSHOTS=1 -->\n\n"
END: Final = "\n\n<!-- end of recording -->"
ID: Final = "00000000-0000-4000-8000-000000000001"


TOTAL: Final = "/apis/serviceexecution.dev/v1alpha1/namespaces/team-a/servicedefinitions/total"
BUILD_LOG: Final = ("build: qhub-commons is installed beside the requirements",)


def building(cluster):
    """Let a build begin when the service is applied, and end when its log was asked for."""
    begun = []

    def begin(definition):
        built(definition, "Building")
        begun.append(definition)

    def end(_, when):
        if when == "before" and begun and cluster.requests("GET", "/builds/r1/log"):
            built(cluster.objects[TOTAL])
            (revision,) = cluster.objects[TOTAL]["status"]["revisions"]
            revision |= {"startTime": "2026-11-26T04:34:10Z", "completionTime": "2026-11-26T04:34:48Z"}

    cluster.logs["r1"] = list(BUILD_LOG)
    cluster.after_apply = begin
    cluster.api.hook = end


def without_sizes(line):
    """Return a line without what depends on the version of zlib: how small a packed archive is, and its digest."""
    line = re.sub(r"packed [\d.]+ \w+, sha256:[0-9a-f]{12}", "packed … B, sha256:…", line)
    return re.sub(r"^Uploaded [\d.]+ \w+\.$", "Uploaded … B.", line)


def recording(cluster, sx, folder, monkeypatch):
    """Return what a terminal shows of these commands, one after the other."""
    monkeypatch.chdir(folder)
    building(cluster)
    cluster.after_submit = ends("Succeeded", "The program ended with exit code 0.")
    cluster.logs[ID] = ["adding 3 values"]
    cluster.files = {"output.json": '{"sum": 8.0}'}
    lines = []
    for command in (
        "sx init python total",
        "cd total",
        "sx deploy",
        "sx run total -d @input.json",
        "sx result " + ID,
        "sx delete " + ID,
    ):
        lines.append(f"$ {command}")
        program, *words = command.split()
        if program == "cd":
            monkeypatch.chdir(folder / words[0])
            continue
        code, out, err = sx(*words)
        assert code == 0, err
        lines += [without_sizes(line.rstrip()) for line in f"{err}{out}".splitlines()]
    return "\n".join(["```console", *lines, "```"])


def test_the_recording_in_the_docs_is_what_sx_prints(cluster, sx, tmp_path, monkeypatch):
    before, _, rest = PAGE.read_text().partition(BEGIN)
    shown, end, after = rest.partition(END)
    now = recording(cluster, sx, tmp_path, monkeypatch)
    if os.environ.get("SX_SCREENSHOTS"):
        PAGE.write_text(f"{before}{BEGIN}{now}{END}{after}")
        return
    assert (end, shown) == (END, now), "make it anew with SX_SCREENSHOTS=1"
