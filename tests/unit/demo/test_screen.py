"""How the demo looks: nothing but lines of text when piped."""

import io

from rich.console import Console

from demo.screen import Screen


def piped() -> tuple[Screen, io.StringIO]:
    file = io.StringIO()
    return Screen(Console(file=file, highlight=False, emoji=False, markup=False)), file


def test_piped_output_has_no_control_codes() -> None:
    screen, file = piped()
    screen.title("Demo", "a note")
    screen.phase(1.25, "Succeeded", "Succeeded", "The program ended with exit code 0.")
    with screen.waiting("a spinner"):
        screen.good("checked")
    screen.command("make down", "remove the cluster")
    screen.failure("Something is off.")
    assert all(line.isprintable() for line in file.getvalue().split("\n"))
    assert "spinner" not in file.getvalue()


def test_long_commands_stay_in_one_line() -> None:
    screen, file = piped()
    command = "kubectl " + "get " * 100 + "sx"
    screen.command(command, "purpose")
    assert f"  {command}\n" in file.getvalue()


def test_a_program_cannot_write_control_codes() -> None:
    screen, file = piped()
    screen.quote("\x1b[31mred\x07\n[bold]as it is[/bold]\n")
    unprintable = "\N{REPLACEMENT CHARACTER}"
    assert file.getvalue() == f"  | {unprintable}[31mred{unprintable}\n  | [bold]as it is[/bold]\n"


def test_a_terminal_gets_colours() -> None:
    file = io.StringIO()
    Screen(Console(file=file, force_terminal=True, color_system="standard")).good("checked")
    assert "\x1b[" in file.getvalue()
