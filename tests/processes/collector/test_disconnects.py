"""Senders that go away in the middle of a body leave nothing behind, neither in the store nor in the log."""

import logging
import socket

import pytest

from tests.processes.collector.live import eventually, uploaded

HEAD = (
    "PUT /collect/v1/files/f HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer collector-token\r\n"
    "Content-Length: 50000000\r\n\r\n"
)


@pytest.mark.parametrize("sent", [0, 1000, 20_000_000])
@pytest.mark.parametrize("abruptly", [False, True])
def test_a_sender_that_goes_away_leaves_nothing_open(gateway, caplog, sent, abruptly):
    caplog.set_level(logging.INFO)
    before = gateway.active()  # long polls of other tests' collectors
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(HEAD.encode() + b"x" * sent)
        eventually(lambda: gateway.kubernetes.reviews)
        if abruptly:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    eventually(lambda: gateway.active() <= before)
    assert uploaded(gateway) == {}
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
