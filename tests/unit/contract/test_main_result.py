"""Main results as programs of all kinds write them."""

import codecs

import pytest

from serviceexecution.contract.main_result import main_result_fault, main_result_text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"sum": 6}', '{"sum": 6}'),
        (codecs.BOM_UTF8 + b'{"sum": 6}', '{"sum": 6}'),
        ('{"sum": "\u00fc"}'.encode("utf-16"), '{"sum": "\u00fc"}'),
        (codecs.BOM_UTF16_BE + "[]".encode("utf-16-be"), "[]"),
        (b"", ""),
        (b"\xff\xfe", None),
        (b"\xff\xfe{", None),
        (b"\xc3(", None),
    ],
)
def test_byte_order_marks_are_no_part_of_the_text(data, text):
    assert main_result_text(data) == text


@pytest.mark.parametrize("text", ['{"sum": 6}', "[1]", "1.0\n", '"text"'])
def test_json_has_no_fault(text):
    assert main_result_fault(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"sum": NaN}', "is no JSON: NaN is not a JSON number; it stands in the value at line 1, column 1."),
        ("{'sum': 6}", "is no JSON: "),
        (" \n", "is empty and therefore no JSON."),
        (None, "is not UTF-8 and therefore no JSON."),
        ("[" * 100_000, "is no JSON: Values nested deeper than 500 levels"),
    ],
)
def test_what_is_no_json_is_said_in_a_sentence(text, why):
    fault = main_result_fault(text) or ""
    assert fault.startswith("output.json is kept as it is, but ")
    assert why in fault
    assert len(fault) < 200
