"""Secrets in what the launcher writes."""

from serviceexecution.launcher.redaction import Redaction

KEY = "-----BEGIN-----\nabc\n-----END-----"
REDACTION = Redaction(
    {"SECRET_A": "token-1", "SECRET_B": "token-12", "SECRET_C": "abc", "SECRET_K": KEY, "A": "plain"}
)


def test_values_are_taken_out_the_longest_first() -> None:
    assert REDACTION.text("token-12, token-1 and plain") == "[redacted], [redacted] and plain"


def test_short_values_are_not_redacted() -> None:
    assert REDACTION.text("abcdef") == "abcdef"


def test_values_as_python_shows_them() -> None:
    assert REDACTION.text(f"ValueError({KEY!r}) {KEY}") == "ValueError('[redacted]') [redacted]"


def test_members_of_any_depth() -> None:
    value = {"detail": "token-1", "deep": [{"token-1": ("token-12", 5, None)}]}
    assert REDACTION.member(value) == {
        "detail": "[redacted]",
        "deep": [{"[redacted]": ["[redacted]", 5, None]}],
    }
