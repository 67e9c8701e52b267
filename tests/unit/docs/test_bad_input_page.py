"""The page about bad inputs says what the end-to-end tests check."""

from tests.support.bad_input.page import PAGE, page


def test_page_is_fresh() -> None:
    assert PAGE.read_text() == page(), "write it anew: python -m tests.support.bad_input.page"
