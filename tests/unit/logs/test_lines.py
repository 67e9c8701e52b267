"""Cutting, times and overlaps of log lines."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from serviceexecution.logs.left_out import LeftOut, Place
from serviceexecution.logs.lines import (
    KnownTail,
    LineSplitter,
    NewerLines,
    last_line,
    line_hashes,
    only_stamped,
    stamp_of,
    text_size,
)
from tests.unit.logs.fake_kubelet import line


@given(st.lists(st.binary(max_size=6).map(lambda data: data.replace(b"a", b"\n"))))
def test_blocks_are_the_chunks_cut_at_line_ends(chunks):
    splitter = LineSplitter()
    blocks = [splitter.feed(chunk) for chunk in chunks]
    assert b"".join(blocks) + splitter.rest == b"".join(chunks)
    assert all(block.endswith(b"\n") for block in blocks if block)
    assert b"\n" not in splitter.rest
    assert not splitter.cut


def test_a_line_without_end_is_cut():
    splitter = LineSplitter(max_line=10)
    assert splitter.feed(b"0123456") == b""
    assert splitter.feed(b"789abc") == b""
    assert splitter.feed(b"def\nnext") == b"0123456789\n"
    assert splitter.cut
    assert splitter.feed(b"\n") == b"next\n"


def test_times_of_lines_are_read_to_the_nanosecond():
    assert stamp_of(b"2026-11-23T15:00:01.5Z text") == (
        datetime(2026, 11, 23, 15, 0, 1, tzinfo=UTC),
        b".500000000",
    )
    assert stamp_of(b"2026-11-23T17:00:01.500000001+02:00 text") == (
        datetime(2026, 11, 23, 15, 0, 1, tzinfo=UTC),
        b".500000001",
    )
    assert stamp_of(b"2026-11-23T15:00:01Z") is not None
    assert stamp_of(b"unable to retrieve container logs") is None
    assert stamp_of(b"") is None
    assert stamp_of(b"2026-11-23T15:00:01Z a") < stamp_of(b"2026-11-23T15:00:01.000000001Z b")


def test_sizes_are_those_of_the_plain_text():
    block = b"2026-11-23T15:00:01.5Z two words\n2026-11-23T15:00:01.52Z \n2026-11-23T15:00:01.52Z\n"
    assert text_size(block) == len(b"two words\n\n\n")
    assert text_size(b"") == 0


def test_words_of_the_kubelet_are_told_apart():
    good = line(1) + b"\n" + line(2) + b"\n"
    assert only_stamped(good) == (good, [])
    assert only_stamped(b"failed to watch\n" + good) == (good, [b"failed to watch"])
    assert only_stamped(good + b"2 many open files\n") == (good, [b"2 many open files"])
    assert only_stamped(b"\n") == (b"", [b""])


def test_the_last_line_is_found():
    assert last_line(b"") == b""
    assert last_line(b"a\n") == b"a"
    assert last_line(b"a\nbc\n") == b"bc"


def _known(lines, new):
    known = KnownTail(line_hashes(lines))
    return b"".join(known.without_known(block + b"\n") for block in new) + known.held_back()


@given(st.lists(st.sampled_from([b"a", b"b", b"c"])), st.lists(st.sampled_from([b"a", b"b", b"c"])))
def test_what_is_known_is_left_out_even_with_many_equal_lines(known, new):
    assert _known(known, [*known, *new]) == b"".join(item + b"\n" for item in new)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_after_a_rotation_less_comes_than_is_known(known, gone, new):
    lines = [line(number) for number in range(known + new)]
    gone = min(gone, known)
    expected = b"".join(item + b"\n" for item in lines[known:])
    assert _known(lines[:known], lines[gone:]) == expected


def test_a_log_that_shares_nothing_is_all_new():
    assert _known([b"a", b"b"], [b"c", b"d"]) == b"c\nd\n"
    assert _known([b"a", b"b"], [b"c"]) == b"c\n"
    assert _known([b"a", b"b"], [b"c", b"b", b"d"]) == b"d\n", "what comes before b is older than b"


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 8), st.data())
def test_the_end_of_a_torn_line_is_not_a_line(before, between, new, data):
    """Known are whole lines; the kubelet gives the new file, which begins within one of them."""
    lines = [line(number, text=b"%d some text" % number) for number in range(before + between + new)]
    torn = lines[before - 1]
    cut = data.draw(st.integers(torn.index(b" ") + 2, len(torn) - 1))
    stamp = line(before - 1).partition(b" ")[0][:-4] + b"999Z"
    file = [stamp + b" " + torn[cut:], *lines[before:]]
    assert _known(lines[: before + between], file) == b"".join(
        item + b"\n" for item in lines[before + between :]
    )


def test_the_end_of_the_newest_line_is_recognised_too():
    known = KnownTail(line_hashes([line(1, text=b"whole")]), line(2, text=b"le"))
    assert known.without_known(line(2, text=b"le") + b"\n") == b""
    assert known.without_known(line(3) + b"\n") == line(3) + b"\n"
    assert not known.disjoint


def test_beyond_the_limit_time_alone_decides():
    new = NewerLines(line(4))
    assert new.without_known(line(3) + b"\n" + line(4) + b"\n") == b""
    assert new.without_known(line(4) + b"\n" + line(5) + b"\n") == line(5) + b"\n"
    assert new.without_known(line(2) + b"\n") == line(2) + b"\n", "all later ones are new, also out of order"
    assert NewerLines(b"").without_known(line(0) + b"\n") == line(0) + b"\n"


def _left_out(known, file, *, torn=False):
    compared = LeftOut(line_hashes(known), torn=torn)
    for item in file:
        compared.read(item + b"\n")
    return compared.place


def test_a_file_is_compared_with_the_known_lines():
    assert _left_out([b"a", b"b"], [b"a", b"b"]) is None
    assert _left_out([b"a", b"b"], [b"a", b"b", b"c"]) is None, "c is still to be read"
    assert _left_out([b"a", b"b"], [b"b"]) is None, "the file has been rotated"
    assert _left_out([b"a", b"b"], [b"x", b"b"], torn=True) is None, "x is the end of a line"
    assert _left_out([b"a", b"b"], [b"x"], torn=True) is None
    assert _left_out([b"a", b"b"], [b"x", b"b"]) == Place(b"", b"b")
    assert _left_out([b"a", b"b", b"c"], [b"a", b"x", b"y", b"b", b"z", b"c"]) == Place(b"a", b"c")
    assert _left_out([b"a", b"b", b"c"], [b"a", b"c"]) == Place(b"a", b""), "they do not fit together"
    assert _left_out([b"a"], [b"%d" % number for number in range(200)]) == Place(b"", b"")
