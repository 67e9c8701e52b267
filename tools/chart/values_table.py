"""The table of all values in the chart's README."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from tools.chart.values import Value
from tools.errors import GenerationError

BEGIN: Final = "<!-- values: made from values.yaml by python -m tools.generate -->"
END: Final = "<!-- end of values -->"


def replace_table(readme: str, values: Sequence[Value]) -> str:
    """Return the README with a fresh table between its two markers. Raises GenerationError without them."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise GenerationError(f"the chart's README.md lacks the lines '{BEGIN}' and '{END}'")
    return f"{before}{begin}\n\n{_table(values)}\n{end}{after}"


def _table(values: Sequence[Value]) -> str:
    lines = ["| Key | Default | Description |", "| --- | --- | --- |"]
    for value in _leaves(values):
        default = json.dumps(value.default, ensure_ascii=False).replace("|", "\\|")
        description = value.description.replace("|", "\\|")
        lines.append(f"| `{value.path}` | `{default}` | {description} |")
    return "\n".join(lines) + "\n"


def _leaves(values: Sequence[Value]) -> Iterator[Value]:
    for value in values:
        if value.children:
            yield from _leaves(value.children)
        else:
            yield value
