"""The last lines of a log."""

import pytest

from serviceexecution.gateway.platform_api.executions.log_tail import find_tail, read_tail


class Log:
    def __init__(self, *chunks):
        self.chunks = chunks
        self.read_chunks = []

    async def sizes(self):
        return [(number, len(chunk)) for number, chunk in enumerate(self.chunks, 1)]

    async def read(self, sequence):
        self.read_chunks.append(sequence)
        return self.chunks[sequence - 1]


@pytest.mark.parametrize("lines", range(1, 9))
async def test_so_many_lines_come_whatever_the_chunks(lines):
    log = Log(b"1\n2\n3\n", b"4\n", b"5\n6\n")
    tail = await find_tail(log, lines)
    found = [line for texts in [some async for some in read_tail(log, tail)] for line in texts]
    assert found == ["1", "2", "3", "4", "5", "6"][-lines:]


async def test_chunks_before_the_last_lines_are_not_read():
    log = Log(b"1\n2\n3\n", b"4\n", b"5\n6\n")
    await find_tail(log, 2)
    assert log.read_chunks == [3]


async def test_an_empty_log_has_no_tail():
    assert (await find_tail(Log(), 5)).sequences == ()
