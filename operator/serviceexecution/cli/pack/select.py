"""Which files of a project go along: neither ``.dockerignore`` nor ``.gitignore`` leaves them out."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.pack.docker_ignore import DockerIgnore, parse_docker_ignore
from serviceexecution.cli.pack.git_ignore import GitIgnore, parse_git_ignore

DOCKER_IGNORE: Final = ".dockerignore"
GIT_IGNORE: Final = ".gitignore"
_NEVER: Final = frozenset({".git", ".hg", ".svn", "__pycache__", ".venv", ".DS_Store"})
_VENV_MARK: Final = "pyvenv.cfg"


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file, or a symbolic link when ``link`` says where to, by its path from the project's root."""

    path: str
    size: int
    executable: bool = False
    link: str | None = None


@dataclass(slots=True)
class Selection:
    """What goes along, in the order of paths; ``left_out`` are files and whole folders that do not."""

    files: list[PackedFile] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def total_bytes(self) -> int:
        """Return the size of all files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class _GitFile:
    """A ``.gitignore`` and how paths below it begin, seen from the project's root."""

    prefix: str
    rules: GitIgnore


def select(
    root: Path,
    *,
    dockerfile: str = "Dockerfile",
    use_git_ignore: bool = True,
    never: frozenset[str] = frozenset(),
) -> Selection:
    """Return the files of a project.

    ``never`` are paths from the root that are no part of the source. Dockerfile and ignore files always go along, as
    Docker has it. Raises CommandError for a link out of the project, a broken pattern or an unreadable folder.
    """
    names = (f"{dockerfile}.dockerignore", DOCKER_IGNORE)
    name = next((name for name in names if (root / name).is_file()), "")
    docker = parse_docker_ignore(_text(root / name), name=name) if name else DockerIgnore()
    always = frozenset({dockerfile, *names})
    walk = _Walk(root.resolve(), docker, always, never, use_git_ignore)
    walk.folder("", walk.git_files_above() if use_git_ignore else (), ignored=False)
    walk.selection.files.sort(key=lambda file: file.path.encode())
    return walk.selection


class _Walk:
    def __init__(
        self,
        root: Path,
        docker: DockerIgnore,
        always: frozenset[str],
        never: frozenset[str],
        use_git_ignore: bool,
    ) -> None:
        self._root = root
        self._docker = docker
        self._always = always
        self._never = never
        self._use_git_ignore = use_git_ignore
        self.selection = Selection()

    def git_files_above(self) -> tuple[_GitFile, ...]:
        """Return the ignore files between the repository's root and the project's, outermost first."""
        found: list[_GitFile] = []
        prefix = ""
        folder = self._root
        while not (folder / ".git").exists():
            if folder.parent == folder:
                return ()  # In no repository: what lies above is not the project's
            prefix = f"{folder.name}/{prefix}"
            folder = folder.parent
            if (folder / GIT_IGNORE).is_file():
                found.append(_GitFile(prefix, parse_git_ignore(_text(folder / GIT_IGNORE))))
        return tuple(reversed(found))

    def folder(self, prefix: str, git_files: tuple[_GitFile, ...], *, ignored: bool) -> None:
        """Select from the folder whose paths begin with ``prefix``; ``ignored`` ones hold only what always goes."""
        try:
            with os.scandir(self._root / prefix) as found:
                entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            raise CommandError(f"{prefix or self._root} cannot be read: {error.strerror}.") from None
        own = self._root / prefix / GIT_IGNORE
        if self._use_git_ignore and own.is_file():
            git_files = (*git_files, _GitFile("", parse_git_ignore(_text(own), name=f"{prefix}{GIT_IGNORE}")))
        for entry in entries:
            path = _checked_name(prefix + entry.name)
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name in _NEVER or path in self._never or (is_folder and _is_venv(entry)):
                continue
            out = ignored or _git_ignores(git_files, entry.name, is_folder=is_folder)
            if is_folder:
                self._enter(path, git_files, entry.name, ignored=out)
            elif path in self._always or not (out or self._docker.excludes(path)):
                self.selection.files.append(self._file(entry, path))
            else:
                self.selection.left_out.append(path)

    def _enter(self, path: str, git_files: tuple[_GitFile, ...], name: str, *, ignored: bool) -> None:
        below = f"{path}/"
        closed = ignored or (self._docker.excludes(path) and not self._docker.may_include_below)
        if closed and not any(kept.startswith(below) for kept in self._always):
            self.selection.left_out.append(below)
            return
        deeper = tuple(_GitFile(f"{file.prefix}{name}/", file.rules) for file in git_files)
        self.folder(below, deeper, ignored=ignored)

    def _file(self, entry: os.DirEntry[str], path: str) -> PackedFile:
        found = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            target = Path(entry.path).readlink().as_posix()
            self._check_link(path, target)
            return PackedFile(path, 0, link=target)
        if not stat.S_ISREG(found.st_mode):
            raise CommandError(f"{path} is neither a file nor a folder; name it in {DOCKER_IGNORE}.")
        return PackedFile(path, found.st_size, executable=bool(found.st_mode & stat.S_IXUSR))

    def _check_link(self, path: str, target: str) -> None:
        # By its text, since the archive is unpacked elsewhere, and by where it really leads
        parts = path.split("/")[:-1]
        inside = not target.startswith("/")
        for part in target.split("/"):
            if part == "..":
                inside = inside and bool(parts)
                parts = parts[:-1]
            elif part not in {"", "."}:
                parts.append(part)
        real = os.path.realpath(self._root / path)
        if not inside or os.path.commonpath([real, self._root]) != str(self._root):
            raise CommandError(
                f"{path} is a link to {target}, out of the project; replace it with a copy or "
                f"name it in {DOCKER_IGNORE}."
            )


def _git_ignores(files: tuple[_GitFile, ...], name: str, *, is_folder: bool) -> bool:
    for file in reversed(files):  # The nearest file decides
        verdict = file.rules.verdict(file.prefix + name, is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False


def _is_venv(entry: os.DirEntry[str]) -> bool:
    return Path(entry.path, _VENV_MARK).is_file()


def _checked_name(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise CommandError(
            f"The name of {path!r} is not UTF-8; rename it, or name it in {DOCKER_IGNORE}."
        ) from None
    return path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None


def folders(files: list[PackedFile]) -> Iterator[tuple[str, int, int]]:
    """Give name, number of files and bytes of each entry at the top: what there is to see of a project."""
    sums: dict[str, tuple[int, int]] = {}
    for file in files:
        top, slash, _ = file.path.partition("/")
        count, size = sums.get(top + slash, (0, 0))
        sums[top + slash] = (count + 1, size + file.size)
    for name, (count, size) in sums.items():
        yield name, count, size
