"""The page about bad inputs says what the end-to-end tests check."""

from tests.support.bad_input.page import PAGE, page


def test_the_page_of_bad_input_is_generated_from_its_cases() -> None:
    assert PAGE.read_text() == page(), "write it anew: python -m tests.support.bad_input.page"
