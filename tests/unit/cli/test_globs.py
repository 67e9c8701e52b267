"""Docker's and Git's readings of the same patterns."""

import subprocess

import pytest

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.pack.docker_ignore import parse_docker_ignore
from serviceexecution.cli.pack.git_ignore import parse_git_ignore

DOCKER = [
    # as documented at docs.docker.com/build/concepts/context and tested in moby/patternmatcher
    ("*/temp*", "somedir/temporary.txt", True),
    ("*/temp*", "temporary.txt", False),
    ("*/*/temp*", "somedir/subdir/temporary.txt", True),
    ("*/*/temp*", "somedir/temporary.txt", False),
    ("temp?", "tempa", True),
    ("temp?", "temp", False),
    ("temp?", "a/tempa", False),  # no pattern matches below the root by itself
    ("**/*.go", "main.go", True),
    ("**/*.go", "a/b/main.go", True),
    ("**", "a/b", True),
    ("a/**", "a/b/c", True),
    ("a/**/c", "a/c", True),
    ("a/**/c", "a/b/b/c", True),
    ("a/**/c", "a/bc", False),
    ("dir", "dir/a/b", True),
    ("dir/", "dir/a", True),
    ("/dir", "dir/a", True),
    ("./dir", "dir/a", True),
    ("dir/../other", "other/a", True),
    ("*.md\n!README.md", "README.md", False),
    ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
    ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", False),
    ("*\n!src", "src/a/b.py", False),
    ("*\n!src", "other.py", True),
    ("*\n!src\nsrc/test", "src/test/x", True),
    ("*\n!**/*.py", "a/b/c.py", False),
    ("# a comment\n  a.txt  ", "a.txt", True),
    (" #a", "#a", True),  # not at the line's start: a name
    ("[a-c].txt", "b.txt", True),
    ("[^a-c].txt", "d.txt", True),
    ("[^a-c].txt", "b.txt", False),
    ("a\\*b", "a*b", True),
    ("a\\*b", "axb", False),
    ("a+(b).txt", "a+(b).txt", True),
    ("\ufeffa.txt", "a.txt", True),
    ("a.txt", "a.txtx", False),
    ("a.txt", "aXtxt", False),
    ("a", "a\nb", False),
]


@pytest.mark.parametrize(("text", "path", "excluded"), DOCKER)
def test_dockerignore_excludes_as_docker_does(text, path, excluded):
    assert parse_docker_ignore(text).excludes(path) is excluded


def test_a_lonely_exclamation_mark_is_named_by_file_and_line():
    with pytest.raises(CommandError, match=r"^\.dockerignore:2: there is no pattern"):
        parse_docker_ignore("a\n!\n")


GIT = [
    ("*.log", "a.log", False, True),
    ("*.log", "x/y/a.log", False, True),
    ("/a.log", "x/a.log", False, None),
    ("/a.log", "a.log", False, True),
    ("x/a.log", "y/x/a.log", False, None),
    ("build/", "build", True, True),
    ("build/", "build", False, None),
    ("build/", "x/build", True, True),
    ("**/foo", "a/b/foo", False, True),
    ("**/foo/bar", "a/foo/bar", False, True),
    ("abc/**", "abc/d/e", False, True),
    ("abc/**", "abc", True, None),
    ("a/**/b", "a/b", False, True),
    ("a/**/b", "a/x/y/b", False, True),
    ("foo**bar", "fooxbar", False, True),
    ("foo**bar", "foo/bar", False, None),
    ("*.log\n!keep.log", "keep.log", False, False),
    ("\\#a", "#a", False, True),
    ("\\!a", "!a", False, True),
    ("# a", "# a", False, None),
    ("a  ", "a", False, True),
    ("a\\ ", "a ", False, True),
    ("[!a]", "b", False, True),
    ("[!a]", "a", False, None),
    ("[[:digit:]]", "7", False, True),
    ("[a", "[a", False, None),
    ("a?c", "a/c", False, None),
    ("a\r\n", "a", False, True),
]


@pytest.mark.parametrize(("text", "path", "is_folder", "verdict"), GIT)
def test_gitignore_decides_as_git_does(text, path, is_folder, verdict):
    assert parse_git_ignore(text).verdict(path, is_folder=is_folder) is verdict


NAMES = ["a", "b.log", "keep.log", "x1", "[a", "a b", "!a", "#a"]
PATTERNS = [
    *{line for text, *_ in GIT for line in text.split("\n")},
    "x/*",
    "!x/a",
    "*",
    "!*/",
    "!b.log",
    "x[0-9]",
]


def test_git_itself_says_the_same(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    paths = [*NAMES, *(f"x/{name}" for name in NAMES), *(f"x/y/{name}" for name in NAMES), "build/a", "abc/d"]
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    for first in PATTERNS:
        for second in ("", "!a", "b.log", "!x/"):
            text = f"{first}\n{second}\n"
            (tmp_path / ".gitignore").write_text(text)
            rules = parse_git_ignore(text)
            found = subprocess.run(
                ["git", "-C", tmp_path, "check-ignore", "--no-index", "-z", "--stdin"],
                input="\0".join(paths),
                capture_output=True,
                text=True,
                check=False,
            )
            theirs = {path for path in found.stdout.split("\0") if path}
            ours = {path for path in paths if _ignored(rules, path)}
            assert ours == theirs, text


def _ignored(rules, path):
    parts = path.split("/")
    for end in range(1, len(parts)):
        if rules.verdict("/".join(parts[:end]), is_folder=True):
            return True
    return bool(rules.verdict(path, is_folder=False))
