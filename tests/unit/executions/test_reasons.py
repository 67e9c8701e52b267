"""The closed list of reasons."""

import re

import pytest

from serviceexecution.executions.reasons import MEANINGS, Reason, sentence


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence_and_an_owner(reason):
    meaning = MEANINGS[reason]
    assert meaning.sentence.endswith(".")
    assert meaning.sentence[0].isupper()
    assert meaning.owner


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_one_word_as_conditions_want_it(reason):
    assert re.fullmatch(r"[A-Z][A-Za-z]{0,62}", reason.value)
    assert reason.name == re.sub(r"(?<!^)(?=[A-Z])", "_", reason.value).upper()


def test_nothing_else_has_a_meaning():
    assert set(MEANINGS) == set(Reason)
    assert len({meaning.sentence for meaning in MEANINGS.values()}) == len(Reason)


def test_a_detail_follows_the_sentence_in_one_bounded_line():
    text = sentence(Reason.START_FAILED, "  exec:\n no\tsuch file  ")
    assert text == "The container could not be started. exec: no such file"
    assert len(sentence(Reason.START_FAILED, "x" * 100_000)) < 2100
    assert sentence(Reason.START_FAILED, " \n ") == "The container could not be started."


def test_what_a_program_words_is_said_without_what_no_status_or_terminal_takes():
    said = sentence(Reason.PROGRAM_FAILED, "half \ud800, red \x1b[31m, bell \x07, nul \x00, c1 \x9b, ü ✓")
    assert said == "The program failed. half �, red �[31m, bell �, nul �, c1 �, ü ✓"
    said.encode()
