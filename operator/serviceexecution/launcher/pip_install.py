"""``python -m serviceexecution.launcher.pip_install …``: installs requirements with pip, where uv has failed.

pip takes some that uv refuses, such as a requirement whose older versions cannot be built. It is the pip of the image,
pinned like uv. It is not tried where it would look for packages elsewhere than uv does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

PIP: Final = Path("/opt/pip/pip")
MARKER: Final = Path("/opt/venv/installed-with")
"""Names the installer, where it was not uv."""
SECONDS: Final = 600.0
BEGIN: Final = "serviceexecution: uv could not install the requirements; now pip tries."
GAVE_UP: Final = "serviceexecution: pip could not install them either."

# Settings of uv that do not decide what is installed
_HARMLESS: Final = frozenset({
    "UV_CACHE_DIR", "UV_COMPILE_BYTECODE", "UV_CONCURRENT_BUILDS", "UV_CONCURRENT_DOWNLOADS",
    "UV_CONCURRENT_INSTALLS", "UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_HTTP_RETRIES", "UV_HTTP_TIMEOUT",
    "UV_INDEX_STRATEGY", "UV_INDEX_URL", "UV_LINK_MODE", "UV_NATIVE_TLS", "UV_PYTHON_DOWNLOADS", "UV_SYSTEM_CERTS",
})  # fmt: skip
_HARMLESS_IN_FILE: Final = frozenset(
    {"http-retries", "http-timeout", "index-strategy", "native-tls", "system-certs"}
)
_OPTIONS: Final = (
    "--disable-pip-version-check", "--no-color", "--no-input", "--progress-bar=off", "--retries=2",
    "--root-user-action=ignore",
)  # fmt: skip


class CannotTellError(Exception):
    """What uv is told cannot be told to pip; the message names it."""


def index_of(environment: Mapping[str, str]) -> str | None:
    """Return the index that uv is given, None for its default. Raises CannotTellError when pip would differ from uv."""
    for name in sorted(environment):
        if name.startswith("UV_") and name not in _HARMLESS:
            raise CannotTellError(name)
    given = environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL")
    file = environment.get("UV_CONFIG_FILE")
    return given or (_index_in(Path(file)) if file else None)


def _index_in(file: Path) -> str | None:
    try:
        found: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        raise CannotTellError("uv.toml") from None
    urls: list[Any] = []
    for key, value in found.items():
        if key == "index-url":
            urls.append(value)
        elif key == "index":
            indexes = value if isinstance(value, list) else []
            # An index that is not the default stands beside it
            if len(indexes) != 1 or not isinstance(indexes[0], dict) or indexes[0].get("default") is not True:
                raise CannotTellError("index in uv.toml")
            if set(indexes[0]) - {"default", "name", "url"}:
                raise CannotTellError("index in uv.toml")
            urls.append(indexes[0].get("url"))
        elif key not in _HARMLESS_IN_FILE:
            raise CannotTellError(f"{key} in uv.toml")
    if len(urls) > 1 or not all(isinstance(url, str) for url in urls):
        raise CannotTellError("index in uv.toml")
    return urls[0] if urls else None


def pip_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return pip's environment: the same index, certificates and cache. Raises CannotTellError."""
    index = index_of(environment)
    made = {name: value for name, value in environment.items() if not name.startswith("UV_")}
    made["PIP_CONFIG_FILE"] = os.devnull
    if index is not None:
        made["PIP_INDEX_URL"] = index
    if "SSL_CERT_FILE" in environment:
        made["PIP_CERT"] = environment["SSL_CERT_FILE"]
    if "UV_CACHE_DIR" in environment:
        made["PIP_CACHE_DIR"] = f"{environment['UV_CACHE_DIR']}/pip"
    return made


def install(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    pip: Path = PIP,
    marker: Path = MARKER,
    seconds: float = SECONDS,
) -> int:
    """Install and return the exit code; what pip prints goes where our output goes."""
    try:
        made = pip_environment(environment)
    except CannotTellError as error:
        _say(f"serviceexecution: pip is not tried, since it knows no {error}.")
        return 1
    _say(BEGIN)
    child = subprocess.Popen(
        [sys.executable, "-I", str(pip), "install", *_OPTIONS, *arguments],
        env=made,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code: int | None = child.wait(seconds)
    except subprocess.TimeoutExpired:
        code = None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)  # And whatever a package's build has started
    child.wait()
    if code == 0:
        marker.write_text("pip\n", "utf-8")
        return 0
    _say(GAVE_UP if code is not None else f"{GAVE_UP} It took longer than {seconds:g} seconds.")
    return 1


def installer(marker: Path = MARKER) -> str:
    """Return what installed the requirements."""
    return "pip" if marker.is_file() else "uv"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(install(sys.argv[1:], os.environ))
