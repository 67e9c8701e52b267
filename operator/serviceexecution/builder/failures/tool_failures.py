"""From a tool's output to a reason and one sentence. Pure: tables of what tools say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.failures.install_failures import install_failure, without_hints
from serviceexecution.builder.failures.tool_output import ToolFailure, buildah_failure, buildkit_failure

_LONGEST_STEP: Final = 500
_LONGEST_TEXT: Final = 400
_INSTALL: Final = "uv pip install"

_NOT_FOUND: Final = re.compile(
    r": not found|manifest unknown|name unknown|repository name not known|invalid reference format"
    r"|unauthorized|authentication required|authorization failed|denied|403 Forbidden|401 Unauthorized"
)
_LOGIN: Final = re.compile(
    r"unauthorized|authentication required|authorization failed|denied|403 Forbidden|401 Unauthorized"
)
_AWAY: Final = re.compile(
    r"dial tcp|no such host|connection refused|i/o timeout|connection reset|TLS|tls:|x509|EOF|deadline exceeded"
    r"|Bad Gateway|Service Unavailable|no route to host|network is unreachable|50[0-9] |429"
    r"|toomanyrequests|proxyconnect"
)
_PULL: Final = re.compile(
    r"failed to resolve source metadata for (?P<image>\S+?):? |initializing source docker://(?P<other>\S+?):? "
    r"|short-name \"(?P<short>[^\"]+)\" did not resolve"
)
_DOCKERFILE: Final = re.compile(
    r"dockerfile parse error|unknown instruction|Unknown instruction|the Dockerfile cannot be empty|no build stage in"
    r"|no FROM statement|no contents in|target stage .* could not be found|target .* was not found"
    r"|unsupported mount type|invalid mount type|requires at least|requires exactly|Unknown flag|unknown flag"
    r"|failed to parse|base name .* should not be blank|invalid (from|field|reference)|missing in|circular dependency"
    r"|unexpected end of statement|Syntax error|failed to process"
)
_MISSING_FILE: Final = re.compile(r"\"(?P<file>/[^\"]*)\": (not found|no such file or directory)")
_NO_SPACE: Final = re.compile(r"[Nn]o space left on device|ENOSPC|disk quota exceeded")
_NO_NAMESPACES: Final = re.compile(
    r"fork/exec /proc/self/exe: operation not permitted|unshare\(CLONE_NEWUSER\)|newuidmap|newgidmap|uid_map|gid_map"
)
# What buildah cannot do on its own account while it works on an instruction
_OWN: Final = re.compile(r"checking if cached image exists|getting history of|[Rr]ead-only file system")
_FRONTEND: Final = re.compile(r"(?:^|/)docker/dockerfile(?:-upstream)?(?:[:@]|$)")
_SINGLE_USER: Final = re.compile(
    r"(chown|chgrp|install|tar|cp|useradd|adduser|setgroups|setresuid|seteuid|setegid).*"
    r"(Invalid argument|Operation not permitted|cannot)",
    re.IGNORECASE,
)
_BUILDAH_UNKNOWN: Final = re.compile(r"Unknown instruction: \"(\w+)\"")
_REQUEST: Final = re.compile(r"(Head|Get|Post|Put|Patch) \"[^\"]*\": ")
_PARSE_PREFIX: Final = re.compile(
    r"^(dockerfile parse error (on line \d+)?:?\s*|building at STEP \"(?:[^\"\\]|\\.)*\":\s*)"
    r"(resolving mountpoints for container \"\w+\": )?"
)


def tool_error(
    builder: str, lines: Sequence[str], *, dockerfile: str = "", python: bool = False
) -> BuildError:
    """Return what a tool's failure means. ``dockerfile`` is the text that was built, ``python`` says that it was
    generated for a Python project."""
    failure = buildkit_failure(lines) if builder == "buildkit" else buildah_failure(lines, dockerfile)
    step = shortened(failure.step, _LONGEST_STEP)
    if python and _INSTALL in step:
        # Without the mounts before it, and what is tried after it
        step = f"RUN {step[step.index(_INSTALL) :].partition(' || ')[0]}"
    reason, message = _judge(builder, failure, python=python)
    return BuildError(reason, message, step)


def _judge(builder: str, failure: ToolFailure, *, python: bool) -> tuple[Reason, str]:
    error, step = failure.error, shortened(failure.step, 200)
    instruction = failure.step.partition(" ")[0].upper()
    if _NO_NAMESPACES.search(error):
        return Reason.BUILDER_FAILED, (
            "The node does not let the builder make a user namespace: check the seccomp profile of builds "
            f"(builds.seccompProfile) and the node's settings ({shortened(error)})."
        )
    if (pulled := _PULL.search(error)) is not None:
        image = (pulled.group("image") or pulled.group("other") or pulled.group("short")).rstrip(":,")
        # buildah leaves out docker.io
        named = next((word for word in failure.step.split() if word.endswith(f"/{image}")), image)
        if _FRONTEND.search(image):
            return Reason.DOCKERFILE_INVALID, (
                f"The Dockerfile's line # syntax= names the frontend {image}, which cannot be fetched "
                f"({shortened(cause(error))}): take the line out, or name docker/dockerfile:1, which is built in."
            )
        return _base_image(named, error)
    if _DOCKERFILE.search(error):
        return Reason.DOCKERFILE_INVALID, _dockerfile_sentence(failure)
    if failure.exit_code is not None and instruction == "RUN":
        return _install(failure) if python else _run(builder, failure)
    if _NO_SPACE.search(error):
        return (
            Reason.BUILDER_FAILED,
            "The build's pod has no space left: the image or its source is too large.",
        )
    if instruction in {"COPY", "ADD"} and (missing := _MISSING_FILE.search(error)):
        return _copy(missing.group("file").lstrip("/"), failure, python=python)
    if step and instruction.isalpha() and not _OWN.search(error):
        return Reason.STEP_FAILED, f"{_at(failure)}{step} failed: {shortened(error)}."
    return (
        Reason.BUILDER_FAILED,
        f"The image could not be built: {shortened(error) or 'the tool gave no reason'}.",
    )


def _base_image(image: str, error: str) -> tuple[Reason, str]:
    if _NOT_FOUND.search(error):
        if _LOGIN.search(error):
            return (
                Reason.BASE_IMAGE_NOT_FOUND,
                f"The base image {image} does not exist, or its registry requires a login.",
            )
        return (
            Reason.BASE_IMAGE_NOT_FOUND,
            f"The base image {image} does not exist: check its name and tag.",
        )
    if _AWAY.search(error):
        return (
            Reason.REGISTRY_UNAVAILABLE,
            f"The registry of the base image {image} cannot be reached: {shortened(cause(error))}.",
        )
    return (
        Reason.BASE_IMAGE_NOT_FOUND,
        f"The base image {image} cannot be fetched: {shortened(cause(error))}.",
    )


def _dockerfile_sentence(failure: ToolFailure) -> str:
    where = f"Line {failure.line} of the Dockerfile" if failure.line else "The Dockerfile"
    if found := _BUILDAH_UNKNOWN.search(failure.error):
        return f"{where} cannot be built: unknown instruction: {found.group(1)}."
    problem = _PARSE_PREFIX.sub("", failure.error)
    return f"{where} cannot be built: {shortened(problem)}."


def _install(failure: ToolFailure) -> tuple[Reason, str]:
    """Judge a RUN of the Dockerfile that was generated: the installation, or the check, which always ends well."""
    if _INSTALL not in failure.step:
        words = shortened(" / ".join(failure.printed[-3:]))
        return (
            Reason.BUILDER_FAILED,
            f"The project could not be checked (exit code {failure.exit_code}): {words}.",
        )
    if (found := install_failure(failure.printed)) is not None:
        return found
    if failure.exit_code == 137:
        killed = "it was killed, most likely because it needed more memory: raise spec.build.resources"
        return Reason.INSTALL_FAILED, f"The requirements could not be installed: {killed}."
    printed = [line.strip() for line in without_hints(failure.printed) if line.strip()]
    words = shortened(" / ".join(printed[-3:]))
    ended = f"exit code {failure.exit_code}" + (f", {words}" if words else "")
    return Reason.INSTALL_FAILED, f"The requirements could not be installed: {ended}."


def _run(builder: str, failure: ToolFailure) -> tuple[Reason, str]:
    printed = [line.strip() for line in failure.printed if line.strip()]
    words = shortened(" / ".join(printed[-3:]))
    said = f": {words}" if words else " and printed nothing"
    text = f"{_at(failure)}{shortened(failure.step, 200)} failed with exit code {failure.exit_code}{said}"
    if failure.exit_code == 137:
        text += " (it was killed, most likely because it needed more memory: raise spec.build.resources)"
    elif builder == "buildah" and any(map(_SINGLE_USER.search, printed)):
        text += (
            " (in namespaces that enforce the Pod Security level restricted, buildah builds the image, and only user 0 "
            "exists meanwhile)"
        )
    elif any(map(_NO_SPACE.search, printed)):
        text += " (the build's pod has no space left)"
    return Reason.STEP_FAILED, f"{text}."


def _copy(file: str, failure: ToolFailure, *, python: bool) -> tuple[Reason, str]:
    step = shortened(failure.step, 200)
    if "--from=" in failure.step:
        return Reason.STEP_FAILED, f"{_at(failure)}{step} failed: the stage or image has no {file!r}."
    if python:
        return (
            Reason.SOURCE_INVALID,
            f"The build needs the project's {file}, which its .dockerignore leaves out.",
        )
    return (
        Reason.STEP_FAILED,
        f"{_at(failure)}{step} failed: the source has no {file!r}, or .dockerignore leaves it out.",
    )


def _at(failure: ToolFailure) -> str:
    return f"Line {failure.line} of the Dockerfile: " if failure.line else ""


def cause(error: str) -> str:
    """Return the end of a chain of errors, which is where its cause stands."""
    found = re.search(r"(failed to do request: .*|pinging container registry .*|reading manifest .*)", error)
    return _REQUEST.sub("", found.group(1) if found else error)


def shortened(text: str, most: int = _LONGEST_TEXT) -> str:
    """Return ``text`` on one line, of bounded length, without a dot at its end."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= most else line[: most - 1] + "…"
