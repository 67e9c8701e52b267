"""Fetches one commit of a Git repository. Nothing of the repository runs: no hooks, no filters, no submodules.

Everything that Git is told lies in one configuration file, credentials in files that only its helpers read.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.pod.commands import Commands, Finished, silent
from serviceexecution.builder.pod.paths import Paths
from serviceexecution.builder.pod.workplace import Workplace
from serviceexecution.builder.request import GitSource
from serviceexecution.builder.source.tree import TreeLimits, check_links, too_many_bytes

_COMMIT: Final = re.compile(r"[0-9a-f]{7,40}")
_FULL_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_LISTED: Final = re.compile(r"[0-7]{6} (?:blob|commit) [0-9a-f]+ +([0-9]+|-)\t(.*)")
"""A line of ``git ls-tree --long``."""
_SCP_STYLE: Final = re.compile(r"[^/@ ]+@[^:/ ]+:.+")
_REFUSED: Final = (
    r"Authentication failed|could not read (Username|Password)|terminal prompts disabled|Permission denied"
    r"|HTTP 40[13]|returned error: 40[13]|Invalid username or"
)
_AWAY: Final = "it cannot be reached"
_MESSAGES: Final = (
    (r"Host key verification failed|No \S+ host key is known", "its host key is not the one in known_hosts"),
    (_REFUSED, "it refuses the credentials, or requires some: name a Secret in spec.source.git.secretRef"),
    (r"couldn't find remote ref|[Rr]emote branch .* not found|not our ref|bad object", "it has no {ref!r}"),
    (
        r"not found|does not exist|does not appear to be a git|returned error: 404",
        "there is no such repository",
    ),
    (r"Could not resolve host", "its host has no address"),
    (r"SSL certificate|certificate verify|server certificate", "its certificate is not trusted"),
    (r"transport '.*' not allowed", "such URLs are not allowed"),
    (r"No space left", "the build's pod has no space left"),
    (
        r"Failed to connect|Connection (refused|reset)|Couldn't connect|timed out|unable to connect",
        "it cannot be reached",
    ),
)


@dataclass(frozen=True, slots=True)
class Checkout:
    """What was fetched: the commit, and how much it is."""

    commit: str
    files: int
    total_bytes: int


def clone(source: GitSource, root: Path, limits: TreeLimits, workplace: Workplace) -> Checkout:
    """Put the files of ``source.ref`` into the empty directory ``root``; raises BuildError."""
    directory = workplace.paths.made("git")
    git = _Git(workplace.commands, _environment(source, directory, workplace), directory / "repository", root)
    git.check(source, git.run("init", "--quiet", "--bare", str(directory / "repository")))
    commit = _fetch(git, source)
    _check_listed(git, source, commit, limits)
    git.check(source, git.run("checkout", "--quiet", "--force", "--detach", commit, tree=True))
    files, total = _measure(root, limits)
    if (root / ".gitmodules").exists():
        workplace.commands.output.phase("source", "the repository has submodules, which are not fetched")
    return Checkout(commit, files, total)


@dataclass(frozen=True, slots=True)
class _Git:
    commands: Commands
    environment: Mapping[str, str]
    repository: Path
    root: Path

    def run(self, *arguments: str, tree: bool = False, shown: bool = True) -> Finished:
        places = [] if arguments[0] == "init" else [f"--git-dir={self.repository}"]
        if tree:
            places.append(f"--work-tree={self.root}")
        return self.commands.run(
            ["git", *places, *arguments], self.environment, self.root, shown=None if shown else silent
        )

    def listed(self, commit: str, look: Callable[[str], tuple[str, ...]]) -> Finished:
        """Have ``look`` see each file of the commit; what it raises ends Git."""
        command = ["git", f"--git-dir={self.repository}", "ls-tree", "-r", "--long", commit]
        return self.commands.run(command, self.environment, self.root, shown=look)

    def check(self, source: GitSource, finished: Finished) -> None:
        if finished.code != 0:
            raise git_error(source, finished.lines)


def _fetch(git: _Git, source: GitSource) -> str:
    """Fetch, and return the commit. A commit that the server gives only with its branch is looked for in all."""
    fetch = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules")
    one = git.run(
        *fetch, "--depth=1", "--", source.url, source.ref, shown=_COMMIT.fullmatch(source.ref) is None
    )
    if one.code == 0:
        return _commit(git, source, "FETCH_HEAD")
    if _COMMIT.fullmatch(source.ref) is None:
        raise git_error(source, one.lines)
    everything = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    git.check(source, git.run(*fetch, "--", source.url, *everything))
    return _commit(git, source, source.ref)


def _commit(git: _Git, source: GitSource, name: str) -> str:
    found = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", shown=False)
    commit = found.lines[-1].strip() if found.lines else ""
    if found.code != 0 or _FULL_COMMIT.fullmatch(commit) is None:
        raise BuildError(Reason.GIT_FAILED, f"{_repository(source)}: it has no {source.ref!r}.")
    return commit


def _environment(source: GitSource, directory: Path, workplace: Workplace) -> dict[str, str]:
    configuration = directory / "config"
    configuration.write_text(
        git_configuration(source, _helper(directory, workplace.paths), workplace.ca_file), "utf-8"
    )
    result = {
        **workplace.environment,
        "HOME": str(directory),
        "LANG": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(configuration),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }
    if _uses_ssh(source.url):
        result["GIT_SSH_COMMAND"] = shlex.join(_ssh_command(source, directory, workplace.paths))
    return result


def git_configuration(source: GitSource, helper: Path | None, ca_file: Path | None) -> str:
    """Return the text of Git's configuration file. The helper is asked only for the repository's own host."""
    lines = [
        "[core]", "\thooksPath = /dev/null", "\tfsmonitor = false", "\tsymlinks = true", "\tautocrlf = false",
        "[advice]", "\tdetachedHead = false",
        "[submodule]", "\trecurse = false",
        "[gc]", "\tauto = 0",
        "[protocol]", "\tversion = 2",
        "[http]", "\tfollowRedirects = initial", "\tlowSpeedLimit = 1", "\tlowSpeedTime = 60",
    ]  # fmt: skip
    if ca_file is not None:
        lines.append(f"\tsslCAInfo = {_quoted(str(ca_file))}")
    if helper is not None and not _uses_ssh(source.url):
        url = urlsplit(source.url)
        place = f"{url.scheme}://{url.netloc.rpartition('@')[2]}"
        lines += [f"[credential {_quoted(place)}]", f"\thelper = {_quoted(str(helper))}"]
    return "\n".join(lines) + "\n"


def _helper(directory: Path, paths: Paths) -> Path | None:
    """Write the program that gives Git the credentials, which stay in their files."""
    password = paths.mount("git", "password")
    if password is None:
        return None
    username = paths.mount("git", "username")
    name = f'"$(cat {shlex.quote(str(username))})"' if username else "git"
    helper = directory / "credentials"
    helper.write_text(
        '#!/bin/sh\n[ "$1" = get ] || exit 0\n'
        f"printf 'username=%s\\npassword=%s\\n' {name} \"$(cat {shlex.quote(str(password))})\"\n",
        "utf-8",
    )
    helper.chmod(0o700)
    return helper


def _ssh_command(source: GitSource, directory: Path, paths: Paths) -> Sequence[str]:
    key, known_hosts = paths.mount("git", "ssh-privatekey"), paths.mount("git", "known_hosts")
    if key is None or known_hosts is None:
        missing = "ssh-privatekey" if key is None else "known_hosts"
        raise BuildError(
            Reason.GIT_FAILED,
            f"{_repository(source)}: the Secret in spec.source.git.secretRef has no {missing}, which SSH needs.",
        )
    own_key = directory / "key"  # SSH takes only a key that nobody else may read
    own_key.touch(0o600)
    text = key.read_text("utf-8")
    own_key.write_text(text if text.endswith("\n") else text + "\n", "utf-8")
    options = (
        "IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known_hosts}",
        "GlobalKnownHostsFile=/dev/null", "ConnectTimeout=30", "LogLevel=ERROR",
    )  # fmt: skip
    return ["ssh", "-F", "/dev/null", "-i", str(own_key), *(word for one in options for word in ("-o", one))]


def _check_listed(git: _Git, source: GitSource, commit: str, limits: TreeLimits) -> None:
    """Refuse a commit that is too large before any of it is written: a few kilobytes of Git's objects can name one file
    a billion times, and would fill the node's disk.
    """
    files = total = 0

    def look(line: str) -> tuple[str, ...]:
        nonlocal files, total
        if (found := _LISTED.match(line)) is not None:
            size, path = found.groups()
            files += 1
            total += int(size) if size.isdecimal() else 0
            if files > limits.files:
                raise _too_many_files(limits)
            if total > limits.total_bytes:
                raise too_many_bytes(limits.total_bytes, path)
        return ()

    git.check(source, git.listed(commit, look))


def _too_many_files(limits: TreeLimits) -> BuildError:
    return BuildError(Reason.SOURCE_TOO_LARGE, f"The commit has more than {limits.files} files.")


def _measure(root: Path, limits: TreeLimits) -> tuple[int, int]:
    """Return number and size of the files; raises BuildError for too many, and for links that lead out."""
    files = total = 0
    links = []
    for directory, folders, names in os.walk(root):
        for name in (*names, *folders):
            path = Path(directory, name)
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode):
                continue
            files += 1
            total += status.st_size
            if stat.S_ISLNK(status.st_mode):
                links.append(str(path.relative_to(root)))
            if files > limits.files:
                raise _too_many_files(limits)
            if total > limits.total_bytes:
                raise too_many_bytes(limits.total_bytes, str(path.relative_to(root)))
    check_links(root, links)
    return files, total


def git_error(source: GitSource, lines: Sequence[str]) -> BuildError:
    """Return what Git's output means, in a sentence."""
    text = "\n".join(lines)
    for pattern, meaning in _MESSAGES:
        if re.search(pattern, text):
            return BuildError(Reason.GIT_FAILED, f"{_repository(source)}: {meaning.format(ref=source.ref)}.")
    last = next((line for line in reversed(lines) if line.strip()), "Git failed and printed nothing")
    return BuildError(Reason.GIT_FAILED, f"{_repository(source)}: {last.strip()[:300]}.")


def _repository(source: GitSource) -> str:
    url = urlsplit(source.url)
    shown = (
        source.url.replace(f"{url.netloc.rpartition('@')[0]}@", "")
        if url.scheme and "@" in url.netloc
        else source.url
    )
    return f"The repository {shown}"


def _uses_ssh(url: str) -> bool:
    return url.startswith("ssh://") or _SCP_STYLE.fullmatch(url) is not None


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
