"""All commands of ``sx``."""

from typer.main import get_command

from serviceexecution.cli import main


def _commands(group, above=""):
    for name, command in group.commands.items():
        words = f"{above} {name}".strip()
        if hasattr(command, "commands"):
            yield from _commands(command, words)
        else:
            yield words, command


COMMANDS = dict(_commands(get_command(main.app)))
"""Each command by its words."""
