"""How large a JSON value is, found out without looking at much more of it than is asked about."""

from serviceexecution.contract.json_types import JsonValue


def is_within(value: JsonValue, most: int) -> bool:
    """Tell whether the value has at most some ``most`` bytes as JSON text; empty lists and objects count as two."""
    left = most
    found: list[JsonValue] = [value]
    while found:
        one = found.pop()
        if isinstance(one, str):
            left -= len(one)
        elif isinstance(one, dict):
            left -= 2 + 4 * len(one)
            if left >= 0:
                left -= sum(map(len, one))
                found.extend(one.values())
        elif isinstance(one, list):
            left -= 2 + len(one)
            if left >= 0:
                found.extend(one)
        else:
            left -= 1
        if left < 0:
            return False
    return True
