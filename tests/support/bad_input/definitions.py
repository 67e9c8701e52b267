"""Bad services: what the API server refuses of a ServiceDefinition, and with which sentence."""

from dataclasses import dataclass
from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject

IMAGE: Final[JsonObject] = {"docker": {"image": "a:1"}}
PYTHON: Final[JsonObject] = {"python": {}}
BUILD: Final[JsonObject] = {"docker": {"build": {}}}
ARCHIVE: Final[JsonObject] = {"archive": {"digest": f"sha256:{'0' * 64}"}}


@dataclass(frozen=True)
class BadService:
    """A spec that is refused: ``field`` is named, below spec, and ``sentence`` said."""

    what: str
    field: str
    sentence: str
    spec: JsonObject

    @property
    def name(self) -> str:
        """Return the name of the case in the tests' output."""
        return "-".join(self.what.replace("`", "").split())


def git(url: str = "https://git.example.com/a.git", **more: object) -> JsonObject:
    """Return a source in Git."""
    return cast("JsonObject", {"git": {"url": url, **more}})


def python(source: JsonObject | None = None, **fields: object) -> JsonObject:
    """Return the spec of a Python project from a source, with these fields."""
    found = {"runtime": PYTHON, "source": ARCHIVE if source is None else source, **fields}
    return cast("JsonObject", found)


def python_runtime(**fields: object) -> JsonObject:
    """Return the spec of a Python project whose runtime has these fields."""
    return python(runtime={"python": fields})


def docker_build(**fields: object) -> JsonObject:
    """Return the spec of a Dockerfile project with these fields of the build."""
    return python(runtime={"docker": {"build": fields}})


_ONE_RUNTIME: Final = "say what runs: give either docker or python"
_IMAGE_OR_BUILD: Final = "give either an image or how to build it, as build"
_SOURCE: Final = "a source is needed by runtime.python and runtime.docker.build, and by nothing else"
_ONE_SOURCE: Final = "say where the source is: give either archive or git"
_SHA256: Final = "must be sha256: and 64 hexadecimal digits in lower case"
_GIT_URL: Final = "must be an https, http, ssh or git URL, or user@host:path"
_CREDENTIALS: Final = "must hold no password: put it into a Secret and name it in secretRef"
_REF: Final = "must be a branch, a tag or a commit"
_RELATIVE: Final = "must be a relative path without '..'"
_ENTRY_POINT: Final = "must be a module and a function such as user_code.src.program:run"
_REVISION: Final = "must be a revision's name such as r3"
_DURATION: Final = "must be a duration such as 1h30m, 90s, 500ms or a whole number of seconds"

BAD_SERVICES: Final = (
    BadService("Neither `docker` nor `python`", "runtime", _ONE_RUNTIME, {"runtime": {}}),
    BadService("Both of them", "runtime", _ONE_RUNTIME, python(runtime={**IMAGE, **PYTHON})),
    BadService("`docker: {}`", "runtime.docker", _IMAGE_OR_BUILD, {"runtime": {"docker": {}}}),
    BadService(
        "Both `image` and `build`",
        "runtime.docker",
        _IMAGE_OR_BUILD,
        python(runtime={"docker": {"image": "a:1", "build": {}}}),
    ),
    BadService("`python` without a source", "source", _SOURCE, {"runtime": PYTHON}),
    BadService("`build` without a source", "source", _SOURCE, {"runtime": BUILD}),
    BadService("An image with a source", "source", _SOURCE, python(runtime=IMAGE)),
    BadService("A source of nothing", "source", _ONE_SOURCE, python({})),
    BadService("A source of a folder alone", "source", _ONE_SOURCE, python({"subPath": "a"})),
    BadService("Both `archive` and `git`", "source", _ONE_SOURCE, python({**ARCHIVE, **git()})),
    BadService(
        "A digest without `sha256:`",
        "source.archive.digest",
        _SHA256,
        python({"archive": {"digest": "0" * 64}}),
    ),
    BadService(
        "A digest in capitals",
        "source.archive.digest",
        _SHA256,
        python({"archive": {"digest": f"sha256:{'A' * 64}"}}),
    ),
    BadService(
        "Half a digest", "source.archive.digest", _SHA256, python({"archive": {"digest": "sha256:00"}})
    ),
    BadService("Git's `url: file:///etc`", "source.git.url", _GIT_URL, python(git("file:///etc"))),
    BadService("A path instead of a URL", "source.git.url", _GIT_URL, python(git("/srv/repository"))),
    BadService("An option instead of a URL", "source.git.url", _GIT_URL, python(git("--upload-pack=sh"))),
    BadService("A URL with a space", "source.git.url", _GIT_URL, python(git("https://git.example.com/a b"))),
    BadService(
        "A URL with a password",
        "source.git.url",
        _CREDENTIALS,
        python(git("https://me:secret@git.example.com/a.git")),
    ),
    BadService("An option instead of a ref", "source.git.ref", _REF, python(git(ref="--upload-pack=sh"))),
    BadService("`ref: a..b`", "source.git.ref", _REF, python(git(ref="a..b"))),
    BadService("A ref with a space", "source.git.ref", _REF, python(git(ref="a b"))),
    BadService(
        "`subPath: ../other` of a source",
        "source.subPath",
        _RELATIVE,
        python({**ARCHIVE, "subPath": "../other"}),
    ),
    BadService("`subPath: /etc`", "source.subPath", _RELATIVE, python({**ARCHIVE, "subPath": "/etc"})),
    BadService(
        "Python 2.7",
        "runtime.python.version",
        'Unsupported value: "2.7": supported values: "3.11", "3.12", "3.13"',
        python_runtime(version="2.7"),
    ),
    BadService(
        "A file as entry point",
        "runtime.python.entryPoint",
        _ENTRY_POINT,
        python_runtime(entryPoint="src/a.py"),
    ),
    BadService(
        "A method as entry point",
        "runtime.python.entryPoint",
        _ENTRY_POINT,
        python_runtime(entryPoint="a:b.c"),
    ),
    BadService(
        "A package index without a name",
        "runtime.python.packageIndex.name",
        "Required value",
        python_runtime(packageIndex={}),
    ),
    BadService(
        "`dockerfile: ../Dockerfile`",
        "runtime.docker.build.dockerfile",
        _RELATIVE,
        docker_build(dockerfile="../Dockerfile"),
    ),
    BadService(
        "A build secret without a name",
        "runtime.docker.build.secrets.token.name",
        "Required value",
        docker_build(secrets={"token": {}}),
    ),
    BadService('`revision: "3"`', "revision", _REVISION, python(revision="3")),
    BadService("`revision: r0`", "revision", _REVISION, python(revision="r0")),
    BadService("`build.cancel: latest`", "build.cancel", _REVISION, python(build={"cancel": "latest"})),
    BadService("`build.timeout: soon`", "build.timeout", _DURATION, python(build={"timeout": "soon"})),
    BadService(
        "A cache without a claim",
        "build.cache.persistentVolumeClaim",
        "Required value",
        python(build={"cache": {}}),
    ),
)
