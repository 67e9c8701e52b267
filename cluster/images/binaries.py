"""Building the Go programs once and keeping them by the hash of what they are built from."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cluster.commands import failure_sentence
from cluster.console import say
from cluster.errors import LauncherError
from cluster.hashing import content_hash
from cluster.images import kubernetes_module
from cluster.images.go_tool import SOURCES, go_environment, go_program
from cluster.images.outlook import Outlook, about
from cluster.kubernetes_versions import DEFAULT, fits
from cluster.lock import exclusive
from cluster.settings import CHECKOUT

_REPORT_SECONDS: Final = 15.0
_MINIMUM_FREE_BYTES: Final = 8 * 2**30


@dataclass(frozen=True)
class Program:
    """A Go module of ours below `cluster/go` that gives one executable.

    `links` are further names of the executable; `seconds` is how long a build without caches takes on two cores;
    `module` is the directory when several programs share one. With a `release` the module is made for that version
    of Kubernetes, and none below `cluster/go` is built.
    """

    name: str
    seconds: float
    package: str = "."
    links: tuple[str, ...] = ()
    link_flags: tuple[str, ...] = ()
    module: str = ""
    release: str = ""

    @property
    def directory(self) -> Path:
        return SOURCES / (self.module or self.name)


def _kubernetes_version_flags(version: str = DEFAULT) -> tuple[str, ...]:
    """Without them the node and every client report a wrong version, which Helm charts check."""
    major, minor, _ = version.split(".")
    values = {
        "gitVersion": f"v{version}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "unknown",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return tuple(f"-X {package}.{name}={value}" for package in packages for name, value in values.items())


PROGRAMS: Final = (
    Program(
        "kubernetes",
        450,
        links=(
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubelet",
            "kube-proxy",
            "kubectl",
        ),
        link_flags=_kubernetes_version_flags(),
    ),
    Program("etcd", 60),
    Program("coredns", 60),
    Program(
        "helm3",
        120,
        package="helm.sh/helm/v3/cmd/helm",
        links=("helm",),
        link_flags=("-X helm.sh/helm/v3/internal/version.version=v3.22.0",),
    ),
    Program(
        "helm4",
        120,
        package="helm.sh/helm/v4/cmd/helm",
        link_flags=("-X helm.sh/helm/v4/internal/version.version=v4.3.1",),
    ),
    Program("pause", 5),
    Program(
        "buildkitd",
        240,
        package="github.com/moby/buildkit/cmd/buildkitd",
        link_flags=("-X github.com/moby/buildkit/version.Version=v0.34.2",),
        module="buildkit",
    ),
    Program(
        "buildctl",
        20,
        package="github.com/moby/buildkit/cmd/buildctl",
        link_flags=("-X github.com/moby/buildkit/version.Version=v0.34.2",),
        module="buildkit",
    ),
    Program("rootlesskit", 20, package="github.com/rootless-containers/rootlesskit/v2/cmd/rootlesskit"),
    Program(
        "registry",
        120,
        package="github.com/distribution/distribution/v3/cmd/registry",
        link_flags=("-X github.com/distribution/distribution/v3/version.version=v3.1.2",),
    ),
    Program(
        "versitygw",
        120,
        package="github.com/versity/versitygw/cmd/versitygw",
        link_flags=("-X main.Version=v1.8.0",),
    ),
    Program("fake-gcs-server", 180, package="github.com/fsouza/fake-gcs-server"),
    Program(
        "kube-router",
        240,
        package="github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
    ),
    Program("kstatus", 60),
    Program("otelcol", 240),
    Program("dex", 120),
)
HELM_ONLY: Final = ("helm3", "helm4")
# They go into images that stand in for public ones; nothing runs them here.
BUILDKIT_PROGRAMS: Final = ("buildkitd", "buildctl", "rootlesskit")
REGISTRY_PROGRAMS: Final = ("registry",)
S3_PROGRAMS: Final = ("versitygw",)
PAUSE_PROGRAMS: Final = ("pause",)
# Stands in for Google Cloud Storage in `make test-stores`.
STORE_PROGRAMS: Final = ("fake-gcs-server",)
# The agent that enforces NetworkPolicies while a test tries them.
POLICY_PROGRAMS: Final = ("kube-router",)
# What Flux and Helm read from a status, asked of the library itself in `make test-tooling`.
KSTATUS_PROGRAMS: Final = ("kstatus",)
# The OpenTelemetry Collector, which takes our traces in `make test-tooling`.
TRACE_PROGRAMS: Final = ("otelcol",)
# The identity provider at which `make test-tooling` signs in to the console.
IDENTITY_PROGRAMS: Final = ("dex",)
# What a node runs or its user calls. Helm 4 is there for tests: `up` does not wait for its build.
NODE_PROGRAMS: Final = ("kubernetes", "etcd", "coredns", "helm3")


def programs(kubernetes: str) -> tuple[Program, ...]:
    """Return all programs, with the one of that version of Kubernetes."""
    if kubernetes == DEFAULT:
        return PROGRAMS
    flags = _kubernetes_version_flags(kubernetes)
    return tuple(
        replace(one, link_flags=flags, release=kubernetes) if one.name == "kubernetes" else one
        for one in PROGRAMS
    )


def exact_version(cache: Path, asked: str) -> str:
    """Return the exact version of Kubernetes that is asked for; the pinned one where that fits.

    Raises LauncherError when there is none. One that is built already is not looked up.
    """
    if fits(DEFAULT, asked):
        return DEFAULT
    built = asked.count(".") > 1 and not missing_programs(cache, ["kubernetes"], kubernetes=asked)
    return asked if built else kubernetes_module.resolve(go_program(cache), asked)


def program_hash(program: Program) -> str:
    """Changes with the module's sources, its pinned dependencies and the flags."""
    salt = (program.package, *program.link_flags)
    if program.release:
        sources = [kubernetes_module.MAIN, Path(kubernetes_module.__file__)]
        return content_hash(sources, base=CHECKOUT, salt=salt)
    return content_hash([program.directory], base=SOURCES, salt=salt)


def missing_programs(cache: Path, names: Iterable[str], *, kubernetes: str = DEFAULT) -> dict[str, float]:
    """Return those of the programs that are still to be built, with their seconds."""
    wanted = set(names)
    found = [one for one in programs(kubernetes) if one.name in wanted and not _stored(cache, one).exists()]
    return {one.name: one.seconds for one in found}


def build_all(
    cache: Path,
    names: tuple[str, ...] | None = None,
    *,
    kubernetes: str = DEFAULT,
    outlook: Outlook | None = None,
) -> Path:
    """Build what is missing and return a directory with every program and link of this content.

    `cache` is the launcher's cache directory; `names` are the wanted programs, all by default; `kubernetes` is its
    version; `outlook` is told of each that is built. Raises LauncherError when no Go can be had, the disk has too
    little space, or a build failed.
    """
    wanted = [program for program in programs(kubernetes) if names is None or program.name in names]
    missing = [program for program in wanted if not _stored(cache, program).exists()]
    if missing:
        _check_disk(cache)
        go = go_program(cache)
        say(f"  building {len(missing)} Go programs once, kept in {cache / 'programs'}")
        with exclusive(cache / "programs.lock", what="builds programs"):
            for program in missing:
                if not _stored(cache, program).exists():
                    _build(go, program, _stored(cache, program))
                if outlook is not None:
                    outlook.done(program.name)
    return _link_directory(cache, wanted)


def _stored(cache: Path, program: Program) -> Path:
    return cache / "programs" / f"{program.name}-{program_hash(program)}"


def _link_directory(cache: Path, programs: list[Program]) -> Path:
    """A `bin` directory of symbolic links, named by all hashes, so that a running cluster keeps its own programs."""
    targets = {name: _stored(cache, p) for p in programs for name in (p.name, *p.links)}
    digest = content_hash([], base=cache, salt=[f"{n}={t.name}" for n, t in sorted(targets.items())])
    directory = cache / "bin" / digest
    directory.mkdir(parents=True, exist_ok=True)
    for name, target in targets.items():
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(target)
    return directory


def _check_disk(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free
    if free < _MINIMUM_FREE_BYTES:
        raise LauncherError(
            f"the disk of {cache} has {free / 2**30:.1f} GiB free, but the first build needs "
            f"{_MINIMUM_FREE_BYTES // 2**30} GiB."
        )


def _build(go: str, program: Program, target: Path) -> None:
    """Build into a temporary name first: an interrupted build leaves nothing that looks finished."""
    target.parent.mkdir(parents=True, exist_ok=True)
    say(f"  {program.name}: building, {about(program.seconds)} on two cores without Go's own cache")
    start = time.monotonic()
    temporary = target.with_suffix(".new")
    directory, sums = program.directory, "readonly"
    if program.release:
        directory, sums = target.with_suffix(".module"), "mod"
        kubernetes_module.write_module(go, program.release, directory)
    argv = [go, "build", "-trimpath", "-buildvcs=false", f"-mod={sums}"]
    argv += ["-ldflags", " ".join(("-s", "-w", *program.link_flags)), "-o", str(temporary), program.package]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            argv,
            cwd=directory,
            env=go_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        while True:
            try:
                status = process.wait(timeout=_REPORT_SECONDS)
                break
            except subprocess.TimeoutExpired:
                say(f"    {program.name}: {time.monotonic() - start:.0f} s so far")
        if status != 0:
            output.seek(0)
            raise LauncherError(failure_sentence(f"Building {program.name}", status, output.read()))
    temporary.replace(target)
    if program.release:
        shutil.rmtree(directory)
    say(f"    {program.name}: done in {time.monotonic() - start:.0f} s")
