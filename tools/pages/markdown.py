"""Generated parts of hand-written Markdown pages, each between two marker lines."""

from collections.abc import Iterable, Mapping

from tools.errors import GenerationError


def replace_parts(page: str, text: str, parts: Mapping[str, str]) -> str:
    """Return ``text`` with each part's content fresh; ``page`` is its path, for the error.

    Raises GenerationError when a part's markers are missing.
    """
    for name, content in parts.items():
        begin, end = f"<!-- {name}: made by make generate -->", f"<!-- end of {name} -->"
        before, found_begin, rest = text.partition(begin)
        _, found_end, after = rest.partition(end)
        if not found_begin or not found_end:
            raise GenerationError(f"{page} lacks the lines '{begin}' and '{end}'")
        text = f"{before}{begin}\n\n{content}\n{end}{after}"
    return text


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table that ends with a newline; what would end a cell or start a tag is escaped."""
    names = list(head)
    lines = [names, ["---"] * len(names), *([_cell(text) for text in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cell(text: str) -> str:
    text = text.replace("|", "\\|")
    return text if text.startswith("`") else text.replace("<", "&lt;")
