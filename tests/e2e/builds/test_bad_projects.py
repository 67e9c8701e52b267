"""Projects that cannot work: each fails its build with its reason and one sentence, and nothing is left."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import pytest

from serviceexecution.contract.json_types import JsonObject
from tests.support.builds import ADDER, BUSYBOX, DOCKERFILE, PYTHON, Builds, Files, archive
from tests.support.cluster import member
from tests.support.sandbox import phase_and_reason

PROGRAM: Final = str(ADDER["src/program.py"])


@dataclass(frozen=True)
class Bad:
    """A project, the reason of its failure and what its sentence says."""

    name: str
    source: Files | bytes | Callable[[], bytes]
    """Files, an archive, or what makes one."""
    reason: str
    says: tuple[str, ...]
    runtime: JsonObject = field(default_factory=lambda: PYTHON)


def python(**files: str) -> Files:
    """Return the adder with other files; ``program`` and ``requirements`` stand for theirs."""
    names = {"program": "src/program.py", "requirements": "requirements.txt"}
    return {**ADDER, **{names[name]: text for name, text in files.items()}}


def without(path: str) -> Files:
    return {name: content for name, content in ADDER.items() if name != path}


def dockerfile(text: str) -> Files:
    return {"Dockerfile": text}


def tar_with(*entries: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as target:
        for entry in entries:
            target.addfile(entry, io.BytesIO(b"x" * entry.size))
    return packed.getvalue()


def entry(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size = kind, link, 1 if kind == tarfile.REGTYPE else 0
    return found


def zip_bomb() -> bytes:
    """400 MiB of zeros, packed to less than a hundredth."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
        target.open("zeros", "w", force_zip64=True) as file,
    ):
        for _ in range(400):
            file.write(bytes(1024 * 1024))
    return packed.getvalue()


CASES: Final = (
    Bad(
        "a requirement that does not exist",
        python(requirements="serviceexecution-no-such-package==1.0\n"),
        "RequirementNotFound",
        ("serviceexecution-no-such-package",),
    ),
    Bad(
        "a version that does not exist",
        python(requirements="six==99.0\n"),
        "RequirementNotFound",
        ("six",),
    ),
    Bad(
        "requirements in conflict",
        python(requirements="packaging==24.1\nblack==26.1.0\npathspec<0.5\n"),
        "RequirementsConflict",
        ("pathspec",),
    ),
    Bad(
        "a syntax error",
        python(program="def run(data: dict) -> dict:\n    return {\n"),
        "SyntaxError",
        ("src/program.py", "2"),
    ),
    Bad("no run", python(program="def execute():\n    pass\n"), "EntryPointMissing", ("run",)),
    Bad("no program", without("src/program.py"), "EntryPointMissing", ("src/program.py",)),
    Bad(
        "an argument without a type",
        python(program="def run(data):\n    return data\n"),
        "SignatureInvalid",
        ("data",),
    ),
    Bad(
        "an async run",
        python(program="async def run(data: dict) -> dict:\n    return data\n"),
        "SignatureInvalid",
        ("async",),
    ),
    Bad(
        "an import that fails",
        python(program="import no_such_module\n\n\ndef run(data: dict) -> dict:\n    return data\n"),
        "ImportFailed",
        ("no_such_module", "src/program.py"),
    ),
    Bad("no Dockerfile", {"README.md": "nothing"}, "DockerfileMissing", ("Dockerfile",), DOCKERFILE),
    Bad(
        "an unknown instruction",
        dockerfile(f"FROM {BUSYBOX}\nRUNN true\n"),
        "DockerfileInvalid",
        ("RUNN",),
        DOCKERFILE,
    ),
    Bad(
        "a base image that does not exist",
        dockerfile("FROM docker.io/library/no-such-base:1\n"),
        "BaseImageNotFound",
        ("docker.io/library/no-such-base:1",),
        DOCKERFILE,
    ),
    Bad(
        "a RUN that fails",
        dockerfile(f"FROM {BUSYBOX}\nRUN echo the disk is made of cheese && exit 7\n"),
        "StepFailed",
        ("RUN echo", "7", "the disk is made of cheese"),
        DOCKERFILE,
    ),
    Bad(
        "a COPY of nothing",
        dockerfile(f"FROM {BUSYBOX}\nCOPY no-such-file /\n"),
        "StepFailed",
        ("no-such-file",),
        DOCKERFILE,
    ),
    Bad("a path out of the archive", tar_with(entry("../evil")), "SourceInvalid", ("../evil",)),
    Bad("an absolute path", tar_with(entry("/etc/evil")), "SourceInvalid", ("/etc/evil",)),
    Bad(
        "a link out of the archive",
        tar_with(entry("link", kind=tarfile.SYMTYPE, link="../../etc/passwd")),
        "SourceInvalid",
        ("link",),
    ),
    Bad("a device", tar_with(entry("null", kind=tarfile.CHRTYPE)), "SourceInvalid", ("null",)),
    Bad("a zip bomb", zip_bomb, "SourceInvalid", ("zeros",)),
    Bad("half an archive", archive(ADDER)[:-100], "SourceInvalid", ("archive",)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_fails_with_its_sentence(builds: Builds, case: Bad):
    source = case.source() if callable(case.source) else case.source
    definition = builds.define(source, case.runtime)
    failed = builds.wait_for_end()
    log = builds.log()
    assert (failed["phase"], failed["reason"]) == ("Failed", case.reason), f"{failed}\n{log}"
    message = str(failed["message"])
    for words in case.says:
        assert words in message, f"{message}\n{log}"
    assert "\n" not in message
    assert len(message) < 1000
    ready = next(
        one for one in member(builds.definition(), "status", "conditions") or [] if one["type"] == "Ready"
    )
    assert ready["status"] == "False"
    assert message in str(ready["message"])
    builds.sandbox.create({"serviceRef": {"name": "service"}})
    waiting = builds.sandbox.wait_for_reason("ServiceNotReady")
    assert phase_and_reason(waiting)[0] == "Pending"
    builds.wait_until_clean(definition)
