"""What the build is given in confidence: which files there are, and which values must not show in the log."""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from serviceexecution.builder.pod.paths import Paths
from serviceexecution.builder.project.python_template import ENVIRONMENT_SECRET
from serviceexecution.builder.registry.client import logins

_VALUE_KEY: Final = "value"
_LARGEST: Final = 1024 * 1024
_USER_INFO: Final = re.compile(r"://([^/@\s\"']+)@")
_NETRC: Final = re.compile(r"\b(?:password|account)\s+(\S+)")
_KEY_VALUE: Final = re.compile(r"(?:password|token|secret)\w*\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)


def build_secrets(paths: Paths) -> dict[str, Path]:
    """Return the secrets of a Dockerfile build by id: each a file, or a folder with the key ``value``."""
    found = {}
    folder = paths.mounted / "secrets"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        file = path / _VALUE_KEY if path.is_dir() else path
        if not path.name.startswith(".") and file.is_file():
            found[path.name] = file
    return found


def index_secrets(paths: Paths, variables: Mapping[str, str], ca_file: Path | None) -> dict[str, Path]:
    """Return the secrets with which a Python project's requirements are installed, by id. ``variables`` are set
    meanwhile, ``ca_file`` has the certificates where the index has its own."""
    found = {}
    for name in ("uv.toml", "netrc"):
        if (path := paths.mount("index", name)) is not None:
            found[name] = path
    if ca_file is not None:
        found["ca.crt"] = ca_file
    if variables:
        file = paths.work / "environment"
        file.touch(0o600)
        file.write_text(
            "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()), "utf-8"
        )
        found[ENVIRONMENT_SECRET] = file
    return found


def hidden_values(paths: Paths, environment: Mapping[str, str]) -> Iterator[str]:
    """Give the values that must not show in the log."""
    for path in build_secrets(paths).values():
        yield _text(path)
    for name in ("password", "ssh-privatekey"):
        yield _text(paths.mounted / "git" / name)
    netrc, settings = (_text(paths.mounted / "index" / name) for name in ("netrc", "uv.toml"))
    yield from _NETRC.findall(netrc)
    yield from _KEY_VALUE.findall(settings)
    for text in (settings, *environment.values()):
        for user_info in _USER_INFO.findall(text):
            yield from _passwords(user_info)
    for registry, fields in logins(paths.mount("registry", "config.json")):
        yield from _login_values(registry, fields)


def _login_values(registry: str, fields: Mapping[str, object]) -> Iterator[str]:
    if urlsplit(registry).password:
        yield str(urlsplit(registry).password)
    for name in ("auth", "password", "identitytoken", "registrytoken"):
        value = fields.get(name)
        if isinstance(value, str):
            yield value
            if name == "auth":
                yield _decoded(value).partition(":")[2]


def _passwords(user_info: str) -> Iterator[str]:
    user, colon, password = user_info.partition(":")
    yield user_info
    for value in (password,) if colon else (user,):
        yield value
        yield unquote(value)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        return ""


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""
