"""Kubernetes quantities as exact numbers of bytes.

Source: the Kubernetes API's ``resource.Quantity``: a decimal number and one suffix, binary (Ki … Ei), decimal
(n u m, none, k … E) or an exponent (e3, E3); fractions round up, as Kubernetes does for whole numbers.
"""

import re
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

MAX_QUANTITY: Final = 2**63 - 1

_FORM: Final = re.compile(
    r"(?P<number>[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})"
    r"(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]{1,3}))?\Z"
)
_BINARY: Final = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_EXACT: Final = Context(prec=2000)  # More digits than the longest number with the largest exponent has


class QuantityError(ValueError):
    """The text is no quantity, or one that makes no size; the message says the allowed form."""


def parse_quantity(value: str | int, *, field: str = "the quantity") -> int:
    """Bytes of ``10Gi``, ``512M``, ``1.5Gi``, ``1e9`` or a plain number; fractions of a byte round up.

    Raises ``QuantityError`` that names ``field``.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise QuantityError(_refusal(field, value))
    match = _FORM.match(str(value))
    if match is None:
        raise QuantityError(_refusal(field, value))
    result = int(_exact(match).to_integral_value(ROUND_CEILING, _EXACT))
    if result > MAX_QUANTITY:
        raise QuantityError(f"{field} is larger than the largest size, 2^63 - 1 bytes.")
    return result


def exact_quantity(text: str) -> Decimal | None:
    """Return the exact number that a quantity such as ``10m`` or ``64Mi`` stands for; None for what is none."""
    match = _FORM.match(text)
    return None if match is None else _exact(match)


def _exact(match: re.Match[str]) -> Decimal:
    suffix = match["suffix"] or ""
    number = Decimal(match["number"])
    if suffix in _BINARY:
        return _EXACT.multiply(number, Decimal(1024 ** (_BINARY.index(suffix) + 1)))
    return number.scaleb(int(match["exponent"] or _DECIMAL[suffix]), _EXACT)


def format_quantity(size: int) -> str:
    """Shortest exact text of ``size`` bytes with a binary suffix: ``10Gi``, ``1536Mi``, ``1000``."""
    suffix = ""
    for larger in _BINARY:
        if size == 0 or size % 1024:
            break
        size, suffix = size // 1024, larger
    return f"{size}{suffix}"


def _refusal(field: str, value: object) -> str:
    shown = repr(value) if len(repr(value)) <= 40 else f"{repr(value)[:40]}…"
    return f"{field} must be a size in bytes such as 10Gi, 512Mi, 1.5G or 1000000, but is {shown}."
