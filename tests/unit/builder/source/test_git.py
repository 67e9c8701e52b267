"""The real git, against real repositories on loopback."""

import http.server
import os
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.pod.commands import Commands
from serviceexecution.builder.pod.gateway import Gateway
from serviceexecution.builder.pod.paths import Paths
from serviceexecution.builder.pod.workplace import Workplace
from serviceexecution.builder.request import GitSource
from serviceexecution.builder.source.git import clone, git_configuration, git_error
from serviceexecution.builder.source.tree import TreeLimits
from tests.support.private_server import answer_git, basic, refuse
from tests.unit.builder.support import write_files

LIMITS = TreeLimits(total_bytes=1 << 20, files=50)
PASSWORD = "hunter2-and-more"  # noqa: S105 - of the test
OWN = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


def git(directory, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=directory, env=os.environ | OWN, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@dataclass
class Repositories:
    """A Git server over HTTP, with Basic auth when ``password`` is set."""

    root: Path
    password: str = ""
    seen: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/project.git"

    def answer(self, handler):
        authorization = handler.headers.get("Authorization", "")
        self.seen.append(authorization)
        if self.password and authorization != basic("git", self.password):
            refuse(handler)
        else:
            answer_git(handler, self.root, handler.path)


@pytest.fixture
def work(tmp_path):
    """A working copy with one commit; ``repositories`` serve it."""
    directory = tmp_path / "copy"
    directory.mkdir()
    git(directory, "init", "-q", "-b", "main")
    write_files(directory, {"Dockerfile": "FROM x\n", "src/a.py": "1\n"})
    (directory / "src/link").symlink_to("a.py")
    git(directory, "add", ".")
    git(directory, "commit", "-q", "-m", "one")
    return directory


@pytest.fixture
def repositories(tmp_path, work):
    repositories = Repositories(tmp_path / "served")
    repositories.root.mkdir()
    git(tmp_path, "clone", "-q", "--bare", str(work), str(repositories.root / "project.git"))

    class Answering(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            repositories.answer(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    repositories.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield repositories
    server.shutdown()
    server.server_close()


@pytest.fixture
def workplace(tmp_path, output):
    paths = Paths(tmp_path / "build", tmp_path / "mounts", tmp_path / "cache", tmp_path / "termination")
    commands = Commands(output)
    gateway = Gateway("http://127.0.0.1:9", tmp_path / "token", output)
    return Workplace(paths, commands, gateway, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, None)


def push(work, repositories, *refs):
    git(work, "push", "-q", str(repositories.root / "project.git"), *refs)


def fetched(workplace, repositories, ref="HEAD", limits=LIMITS):
    root = workplace.paths.made("source")
    return clone(GitSource(repositories.url, ref), root, limits, workplace), root


def test_without_a_ref_the_default_branch_is_cloned(workplace, repositories, work):
    checkout, root = fetched(workplace, repositories)

    assert checkout.commit == git(work, "rev-parse", "HEAD")
    assert (root / "Dockerfile").read_text() == "FROM x\n"
    assert (root / "src/link").readlink().as_posix() == "a.py"
    assert not (root / ".git").exists()
    assert checkout.files == 3


@pytest.mark.parametrize("kind", ["branch", "tag", "annotated tag", "commit", "short commit", "older commit"])
def test_branches_tags_and_commits_are_cloned(workplace, repositories, work, kind):
    first = git(work, "rev-parse", "HEAD")
    git(work, "checkout", "-q", "-b", "feature/x")
    write_files(work, {"new": "2"})
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "two")
    second = git(work, "rev-parse", "HEAD")
    git(work, "tag", "v1")
    git(work, "tag", "-a", "-m", "x", "v2")
    push(work, repositories, "--all")
    push(work, repositories, "--tags")
    ref, commit = {
        "branch": ("feature/x", second),
        "tag": ("v1", second),
        "annotated tag": ("v2", second),
        "commit": (second, second),
        "short commit": (second[:9], second),
        "older commit": (first, first),
    }[kind]

    checkout, root = fetched(workplace, repositories, ref)

    assert checkout.commit == commit
    assert (root / "new").exists() is (commit == second)


@pytest.mark.parametrize("ref", ["nosuch", "deadbeef", "0" * 40])
def test_a_ref_that_is_not_there(workplace, repositories, ref):
    with pytest.raises(BuildError) as raised:
        fetched(workplace, repositories, ref)

    assert raised.value.reason is Reason.GIT_FAILED
    assert raised.value.message == f"The repository {repositories.url}: it has no {ref!r}."


def test_a_repository_that_is_not_there(workplace, repositories):
    with pytest.raises(BuildError, match="there is no such repository"):
        clone(GitSource(repositories.url + "x", "HEAD"), workplace.paths.made("source"), LIMITS, workplace)


def test_credentials_are_in_no_argument_and_in_no_log(workplace, repositories, output, monkeypatch):
    repositories.password = PASSWORD
    write_files(workplace.paths.mounted, {"git/password": PASSWORD + "\n"})
    started = []
    start = Commands.start

    def noted(self, command, *rest, **more):
        started.append(command)
        return start(self, command, *rest, **more)

    monkeypatch.setattr(Commands, "start", noted)

    checkout, root = fetched(workplace, repositories)

    assert (root / "Dockerfile").exists()
    assert len(checkout.commit) == 40
    assert PASSWORD not in str(started)
    assert PASSWORD not in output.text()
    configuration = (workplace.paths.work / "git/config").read_text()
    assert PASSWORD not in configuration


def test_credentials_go_to_their_host_alone(tmp_path):
    text = git_configuration(
        GitSource("https://me@git.example:8443/x.git", "HEAD"), tmp_path / "helper", None
    )

    assert '[credential "https://git.example:8443"]' in text


def test_wrong_and_missing_credentials(workplace, repositories):
    repositories.password = PASSWORD

    with pytest.raises(BuildError, match="refuses the credentials, or requires some: name a Secret"):
        fetched(workplace, repositories)
    write_files(workplace.paths.mounted, {"git/password": "wrong"})
    with pytest.raises(BuildError, match="refuses the credentials"):
        fetched(workplace, repositories)


def test_submodules_are_not_followed(workplace, repositories, work, output):
    write_files(work, {".gitmodules": f'[submodule "s"]\n\tpath = s\n\turl = {repositories.url}\n'})
    git(work, "add", ".")
    git(work, "update-index", "--add", "--cacheinfo", "160000", git(work, "rev-parse", "HEAD"), "s")
    git(work, "commit", "-q", "-m", "with a submodule")
    push(work, repositories, "main")

    _, root = fetched(workplace, repositories)

    assert list((root / "s").iterdir()) == []
    assert "submodules, which are not fetched" in output.text()


def test_no_hook_of_the_builder_s_own_home_runs(workplace, repositories, tmp_path):
    write_files(tmp_path, {".gitconfig": f"[core]\n\thooksPath = {tmp_path}/hooks\n"})
    write_files(tmp_path / "hooks", {"post-checkout": f"#!/bin/sh\ntouch {tmp_path}/marker\n"})
    (tmp_path / "hooks/post-checkout").chmod(0o755)

    fetched(workplace, repositories)

    assert not (tmp_path / "marker").exists()


def test_a_link_out_of_the_repository(workplace, repositories, work):
    (work / "src/out").symlink_to("../../outside")
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "out")
    push(work, repositories, "main")

    with pytest.raises(
        BuildError, match=r"'src/out' is a link to '../../outside', which is not inside"
    ) as raised:
        fetched(workplace, repositories)
    assert raised.value.reason is Reason.SOURCE_INVALID


@pytest.mark.parametrize("limits", [TreeLimits(1 << 20, 2), TreeLimits(5, 50)])
def test_a_repository_beyond_the_limits_is_refused(workplace, repositories, limits):
    with pytest.raises(BuildError) as raised:
        fetched(workplace, repositories, limits=limits)

    assert raised.value.reason is Reason.SOURCE_TOO_LARGE


def test_a_tree_that_names_one_file_a_billion_times_is_refused_before_it_is_written(
    workplace, repositories, work
):
    """Security M15: what was checked out was measured afterwards, when the node's disk was full."""
    made = git(work, "hash-object", "-w", "src/a.py")
    kind = "100644 blob"
    for _ in range(9):
        (work / "listing").write_text("".join(f"{kind} {made}\tx{number}\n" for number in range(10)))
        with (work / "listing").open() as listing:
            made = subprocess.run(
                ["git", "mktree"], cwd=work, stdin=listing, check=True, capture_output=True, text=True
            ).stdout.strip()
        kind = "040000 tree"
    git(work, "update-ref", "refs/heads/bomb", git(work, "commit-tree", "-m", "bomb", made))
    push(work, repositories, "bomb")

    with pytest.raises(BuildError, match="more than 50 files") as raised:
        fetched(workplace, repositories, "bomb")
    assert raised.value.reason is Reason.SOURCE_TOO_LARGE
    assert list(workplace.paths.made("source").iterdir()) == []


@pytest.mark.parametrize("url", ["file:///etc", "ext::sh -c touch% /tmp/x", "/etc"])
def test_urls_of_other_protocols_are_refused(workplace, url):
    with pytest.raises(BuildError) as raised:
        clone(GitSource(url, "HEAD"), workplace.paths.made("source"), LIMITS, workplace)

    assert raised.value.reason is Reason.GIT_FAILED
    assert "such URLs are not allowed" in raised.value.message


@pytest.mark.parametrize(
    ("files", "missing"), [({}, "ssh-privatekey"), ({"ssh-privatekey": "k"}, "known_hosts")]
)
def test_ssh_needs_key_and_host_key(workplace, files, missing):
    write_files(workplace.paths.mounted / "git", files)

    with pytest.raises(BuildError, match=f"the Secret in spec.source.git.secretRef has no {missing}"):
        clone(GitSource("git@git.example:x/y.git", "HEAD"), workplace.paths.made("source"), LIMITS, workplace)


def test_ssh_is_strict_and_the_key_is_nobody_else_s(workplace, tmp_path, monkeypatch):
    write_files(
        workplace.paths.mounted / "git",
        {"ssh-privatekey": "KEY", "known_hosts": "git.example ssh-ed25519 AAAA"},
    )
    write_files(tmp_path / "bin", {"ssh": f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\nexit 255\n'})
    (tmp_path / "bin/ssh").chmod(0o755)
    environment = dict(workplace.environment) | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    workplace = Workplace(workplace.paths, workplace.commands, workplace.gateway, environment, None)

    with pytest.raises(BuildError):
        clone(
            GitSource("ssh://git@git.example:2222/x.git", "HEAD"),
            workplace.paths.made("source"),
            LIMITS,
            workplace,
        )

    arguments = (tmp_path / "arguments").read_text()
    assert "StrictHostKeyChecking=yes" in arguments
    assert f"UserKnownHostsFile={workplace.paths.mounted}/git/known_hosts" in arguments
    assert "GlobalKnownHostsFile=/dev/null" in arguments
    key = workplace.paths.work / "git/key"
    assert key.read_text() == "KEY\n"
    assert key.stat().st_mode & 0o777 == 0o600


MESSAGES = {
    "fatal: unable to access 'https://x/': Could not resolve host: x": "its host has no address",
    "fatal: unable to access 'https://x/': Failed to connect to x port 443": "it cannot be reached",
    "fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none": "is not trusted",
    "Host key verification failed.\nfatal: Could not read from remote repository.": "its host key is not the one",
    "git@x: Permission denied (publickey).": "it refuses the credentials",
    "remote: Repository not found.\nfatal: repository 'https://x/' not found": "there is no such repository",
    "fatal: something new": "fatal: something new",
    "": "Git failed and printed nothing",
}


@pytest.mark.parametrize("text", MESSAGES)
def test_git_s_own_words_become_a_sentence(text):
    error = git_error(GitSource("https://me:secret@git.example/x", "v1"), text.splitlines())

    assert error.reason is Reason.GIT_FAILED
    assert error.message.startswith("The repository https://git.example/x: ")
    assert MESSAGES[text] in error.message
