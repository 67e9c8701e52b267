"""The page docs/commands.md: every command of ``sx`` with its options, from the parser that prints ``--help``."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from typer.main import get_command

from serviceexecution.cli.main import app
from tools.pages.markdown import table

if TYPE_CHECKING:
    from typer._click.core import Command, Context

PAGE: Final = "docs/commands.md"
_COLUMNS: Final = 120
_KEPT_AS_IT_IS: Final = "\b\n"
"""Stands before a paragraph of a help text whose lines are not to be joined."""
_HEAD: Final = """# Every command

What `sx COMMAND --help` says, as one page. `make generate` writes it from the command line itself. [cli.md](cli.md)
tells what the commands are for, and what their exit codes mean. All commands have `--help` and `-h`.
"""


def command_page() -> str:
    """Return the page."""
    found = list(_commands(get_command(app).make_context("sx", [], resilient_parsing=True)))
    index = table(
        ("Command", "What it does"),
        [(f"[`{_words(one)}`](#{_words(one).replace(' ', '-')})", _first_sentence(one)) for one in found],
    )
    return "\n".join((_HEAD, index, *map(_section, found)))


def _commands(context: "Context") -> "Iterator[Context]":
    yield context
    inner: Mapping[str, Command] = getattr(context.command, "commands", {})
    for name, command in inner.items():
        yield from _commands(command.make_context(name, [], parent=context, resilient_parsing=True))


def _words(context: "Context") -> str:
    above = "" if context.parent is None else f"{_words(context.parent)} "
    return f"{above}{context.info_name}"


def _first_sentence(context: "Context") -> str:
    text = " ".join((context.command.help or "").partition("\n\n")[0].split())
    return _plain(re.split(r"(?<=\.)\s", text)[0])


def _section(context: "Context") -> str:
    words, command = _words(context), context.command
    usage = " ".join((words, *command.collect_usage_pieces(context)))
    parts = [f"## {words}\n", f"    {usage}\n", *_paragraphs(command.help or "")]
    arguments, options = _parameters(context)
    if arguments:
        parts.append(table(("Argument", "Meaning"), arguments))
    if options:
        parts.append(table(("Option", "Meaning"), options))
    return "\n".join(parts)


def _paragraphs(text: str) -> Iterator[str]:
    """Give the paragraphs of a help text as Markdown, examples as code."""
    for paragraph in text.strip().split("\n\n"):
        if not paragraph.startswith(_KEPT_AS_IT_IS):
            yield "\n".join(textwrap.wrap(_plain(paragraph), _COLUMNS, break_on_hyphens=False)) + "\n"
            continue
        lines = paragraph.removeprefix(_KEPT_AS_IT_IS).rstrip().split("\n")
        if not lines[0].startswith(" "):
            yield f"{lines.pop(0)}\n"
        code = textwrap.dedent("\n".join(lines))
        yield f"```sh\n{code}\n```\n"


def _parameters(context: "Context") -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the rows of the arguments and of the options, as ``--help`` shows them."""
    arguments: list[tuple[str, str]] = []
    options: list[tuple[str, str]] = []
    for parameter in context.command.params:
        shown = parameter.get_help_record(context)
        if shown is None:
            continue
        row = (f"`{shown[0]}`", _plain(" ".join(shown[1].split())))
        (options if parameter.param_type_name == "option" else arguments).append(row)
    return arguments, options


def _plain(text: str) -> str:
    """Return text in which Markdown finds nothing to do."""
    return re.sub(r"([*`\[\]])", r"\\\1", " ".join(text.split()))
