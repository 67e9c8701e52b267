"""The command line as a whole: help, names, speed."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.command_tree import COMMANDS

CHECKOUT = Path(__file__).parents[3]
HEAVY = {"httpx", "kubernetes", "aiohttp", "pydantic", "rich", "yaml", "asyncio", "typing_extensions"}


def test_help_imports_nothing_heavy():
    program = (
        "import sys; from serviceexecution.cli import main; sys.argv = ['sx', '--help']\n"
        "try: main.main()\nexcept SystemExit: pass\n"
        "print('modules', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "operator")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    *_, last = done.stdout.splitlines()
    assert last.startswith("modules")
    assert not HEAVY & set(last.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(sx, command):
    code, out, _ = sx(*command.split(), "--help")
    assert code == 0
    assert out.startswith(f"Usage: sx {command}")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_what_each_argument_and_option_takes(command):
    context = COMMANDS[command].make_context(command, [], resilient_parsing=True)
    for parameter in COMMANDS[command].params:
        shown = parameter.get_help_record(context)
        if shown is None:
            continue
        assert shown[1].replace("[required]", "").strip(), f"{shown[0]} says nothing"
        if parameter.param_type_name == "option":
            assert "<" not in shown[0] or "|" in shown[0], f"{shown[0]} names a type, and not what it is"


@pytest.mark.parametrize("group", ["", "builds", "pool", "access-key", "callback"])
def test_lists_of_commands_are_not_cut_off(sx, group):
    _, out, _ = sx(*group.split(), "--help")
    assert "Commands:" in out
    assert "..." not in out.partition("Commands:")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_whole_sentences_with_examples(command):
    text = COMMANDS[command].help
    first = text.strip().splitlines()[0]
    assert first[0].isupper(), first
    assert not first.startswith("So "), first
    assert "." in text.partition("\n\n")[0], "The first paragraph is a sentence"
    assert f"sx {command}" in text, "It shows how it is called"
    for parameter in COMMANDS[command].params:
        if parameter.param_type_name == "option" and not parameter.hidden:
            assert parameter.help, f"{command} {parameter.name} says nothing"
            assert parameter.help.endswith((".", "default", ")", "]")) or "." in parameter.help, (
                parameter.help
            )


def test_the_version_is_told(sx):
    code, out, _ = sx("--version")
    assert code == 0
    assert out.startswith("sx")
    assert sx("--help")[1].startswith("Usage: sx [OPTIONS] COMMAND")


def test_both_names_are_installed():
    scripts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts["sx"] == scripts["kubectl-sx"] == "serviceexecution.cli.main:main"


def test_wrong_usage_is_2(sx):
    assert sx("deploy", "/nowhere")[0] == 2
    assert sx("no-such-command")[0] == 2


def test_kubectl_shows_its_own_name(sx, monkeypatch):
    monkeypatch.setattr("serviceexecution.cli.main._program", lambda: "kubectl sx")
    assert sx("run", "--help")[1].startswith("Usage: kubectl sx run")
