"""Kubernetes quantities."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.contract.quantities import QuantityError, format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (0, 0),
        (1000, 1000),
        ("0", 0),
        ("1Ki", 1024),
        ("10Gi", 10 * 2**30),
        ("1.5Gi", 3 * 2**29),
        ("1Ti", 2**40),
        ("1Pi", 2**50),
        ("7Ei", 7 * 2**60),
        ("1k", 1000),
        ("512M", 512_000_000),
        ("1G", 10**9),
        ("1E", 10**18),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1e+3", 1000),
        ("1500e-3", 2),
        ("100m", 1),
        ("1000m", 1),
        ("1001m", 2),
        ("1u", 1),
        ("1n", 1),
        (".5k", 500),
        ("5.k", 5000),
        ("9223372036854775807", 2**63 - 1),
        ("0.1Ki", 103),
        ("1e-999", 1),
    ],
)
def test_quantities_are_read_as_bytes(text: str | int, size: int) -> None:
    assert parse_quantity(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 Gi",
        "1gi",
        "1K",
        "1KB",
        "-1",
        "+1",
        "1e",
        "1e3Ki",
        "Gi",
        ".",
        "1,5Gi",
        "NaN",
        "٣",
        "1\n",
        -1,
        1.5,
        True,
        None,
    ],
)
def test_refusals_name_the_field_and_the_form(text) -> None:
    with pytest.raises(QuantityError, match=r"spec\.output\.limit must be a size in bytes such as 10Gi"):
        parse_quantity(text, field="spec.output.limit")


@pytest.mark.parametrize("text", ["8Ei", "9223372036854775808", "1e999", "9" * 40])
def test_a_quantity_that_is_too_large_is_refused(text: str) -> None:
    with pytest.raises(QuantityError, match="largest"):
        parse_quantity(text)


@given(st.integers(0, 2**63 - 1) | st.integers(0, 2**33 - 1).map(lambda n: n * 2**30))
def test_formatted_sizes_read_back(size: int) -> None:
    assert parse_quantity(format_quantity(size)) == size


def test_quantities_are_written_in_binary_units() -> None:
    assert [format_quantity(n) for n in (0, 1000, 1024, 3 * 2**29, 10 * 2**30)] == [
        "0",
        "1000",
        "1Ki",
        "1536Mi",
        "10Gi",
    ]
