"""Rows in columns. Pure."""

from collections.abc import Sequence

from serviceexecution.cli.terminal import visible_line


def table_lines(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table, never wrapped: whoever pipes it on wants a row to be a line."""
    lines = [headings, *([visible_line(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return [
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
