"""The project that is served: its Python, what stands in its image beside it, and what its check says."""

import asyncio
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import serviceexecution
from serviceexecution.contract.json_types import JsonObject, object_of

_NOT_WATCHED: Final = frozenset(
    {".git", ".venv", "venv", "__pycache__", "node_modules", ".mypy_cache", "dist"}
)
_SUFFIXES: Final = frozenset({".py", ".json", ".yaml", ".yml", ".toml", ".txt"})
_MOST_FILES: Final = 5_000
_CHECK_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class LocalProject:
    """A project in ``folder``, run by ``python`` from the private ``room``."""

    folder: Path
    python: Path
    entry_point: str
    room: Path

    def prepare(self) -> None:
        """Lay the launcher beside the project as an image has it: alone, and the project as ``user_code``."""
        launcher = Path(str(serviceexecution.__file__)).parent / "launcher"
        target = self.path / "serviceexecution"
        shutil.copytree(launcher, target / "launcher", ignore=shutil.ignore_patterns("__pycache__"))
        (target / "__init__.py").write_text('"""As in an image."""\n', encoding="utf-8")
        self.work.mkdir()
        (self.work / "user_code").symlink_to(self.folder, target_is_directory=True)

    @property
    def path(self) -> Path:
        """Return the entry of PYTHONPATH."""
        return self.room / "launcher"

    @property
    def work(self) -> Path:
        """Return the folder in which programs start."""
        return self.room / "app"

    def environment(self) -> dict[str, str]:
        """Return the variables that every program gets: of this machine's only what none can do without."""
        kept = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
        return {
            **{name: value for name in kept if (value := os.environ.get(name))},
            "PYTHONPATH": str(self.path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "ENTRYPOINT": self.entry_point,
        }

    async def check(self) -> JsonObject:
        """Return the report that a build of the project would make; "ok" is false for what could not run."""
        report = self.room / "report.json"
        report.unlink(missing_ok=True)
        command = [str(self.python), "-m", "serviceexecution.launcher.check"]
        options = ["--source", str(self.work / "user_code"), "--entry-point", self.entry_point]
        process = await asyncio.create_subprocess_exec(
            *command,
            *options,
            "--report",
            str(report),
            cwd=self.work,
            env=self.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                printed, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            return {"ok": False, "message": f"The check has not ended within {_CHECK_SECONDS:.0f} seconds."}
        try:
            return object_of(json.loads(report.read_bytes()))
        except (OSError, ValueError):
            said = printed.decode(errors="replace").strip().splitlines()
            return {"ok": False, "message": said[-1] if said else "The check has left no report."}

    def fingerprint(self) -> str:
        """Return what changes with the project's files."""
        digest = hashlib.sha256()
        for path, stat in sorted(_stats(self.folder))[:_MOST_FILES]:
            digest.update(f"{path}\0{stat.st_mtime_ns}\0{stat.st_size}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def _stats(folder: Path) -> list[tuple[str, os.stat_result]]:
    found: list[tuple[str, os.stat_result]] = []
    for directory, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_WATCHED and not name.startswith(".")]
        for name in files:
            path = Path(directory, name)
            if path.suffix in _SUFFIXES:
                try:
                    found.append((str(path), path.stat()))
                except OSError:  # It went meanwhile
                    continue
        if len(found) > _MOST_FILES:
            break
    return found
