import hashlib

import pytest

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.pod.gateway import Gateway, GoneError

ARCHIVE = b"an archive" * 1000
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.fixture
def sleeps():
    return []


@pytest.fixture
def gateway(fake_gateway, tmp_path, output, sleeps):
    fake_gateway.source = ARCHIVE
    (tmp_path / "token").write_text("one\n")
    return Gateway(fake_gateway.url, tmp_path / "token", output, patience=1000, sleep=sleeps.append)


def test_the_builder_fetches_its_source(gateway, fake_gateway, tmp_path):
    assert gateway.fetch_source(tmp_path / "archive", DIGEST, 1 << 20) == len(ARCHIVE)

    assert (tmp_path / "archive").read_bytes() == ARCHIVE
    assert fake_gateway.requests == [("GET", "/build/v1/source", "Bearer one")]


def test_a_path_in_the_gateway_s_url(fake_gateway, tmp_path, output):
    (tmp_path / "token").write_text("one")

    Gateway(f"{fake_gateway.url}/base/", tmp_path / "token", output).fetch_ca_bundle()

    assert fake_gateway.requests[0][1] == "/base/build/v1/ca-bundle"


@pytest.mark.parametrize("status", [500, 502, 503, 401, 403, 429])
def test_faults_that_pass_are_waited_out(gateway, fake_gateway, sleeps, output, status):
    fake_gateway.faults = [(status, b'{"detail": "not yet"}')] * 3

    gateway.fetch_ca_bundle()

    assert len(sleeps) == 3
    assert sleeps == sorted(sleeps)
    assert f"{status} not yet" in output.text()


def test_the_token_is_read_anew_each_time(gateway, fake_gateway, tmp_path):
    fake_gateway.faults = [(401, b"")]
    tokens = iter(("two", "three"))
    fake_gateway.before = lambda: (tmp_path / "token").write_text(next(tokens)) and None

    gateway.fetch_ca_bundle()

    assert [request[2] for request in fake_gateway.requests] == ["Bearer one", "Bearer two"]


def test_an_archive_that_is_cut_short_comes_again(gateway, fake_gateway, tmp_path):
    fake_gateway.cut_once = True

    assert gateway.fetch_source(tmp_path / "archive", DIGEST, 1 << 20) == len(ARCHIVE)
    assert len(fake_gateway.requests) == 2


def test_a_gateway_that_stays_away(tmp_path, output, sleeps):
    (tmp_path / "token").write_text("one")
    gateway = Gateway("http://127.0.0.1:9", tmp_path / "token", output, patience=0, sleep=sleeps.append)

    with pytest.raises(BuildError, match="cannot be reached") as raised:
        gateway.fetch_ca_bundle()

    assert raised.value.reason is Reason.BUILDER_FAILED
    assert sleeps == []


def test_a_report_is_worth_more_patience(fake_gateway, tmp_path, output, sleeps):
    (tmp_path / "token").write_text("one")
    gateway = Gateway(
        fake_gateway.url, tmp_path / "token", output, patience=0, report_patience=1000, sleep=sleeps.append
    )
    fake_gateway.faults = [(503, b'{"detail": "the cluster is away"}')] * 5

    gateway.put_report(b"{}")

    assert len(sleeps) == 5


def test_without_a_token_the_gateway_cannot_be_reached(fake_gateway, tmp_path, output):
    with pytest.raises(BuildError, match="cannot be reached"):
        Gateway(fake_gateway.url, tmp_path / "none", output, patience=0).fetch_ca_bundle()


REFUSALS = {
    404: (Reason.SOURCE_MISSING, f"The gateway has no archive sha256:{DIGEST}"),
    400: (Reason.BUILDER_FAILED, "does not give the source: for a reason"),
}


@pytest.mark.parametrize("status", REFUSALS)
def test_refusals_of_the_gateway_have_reasons_and_sentences(gateway, fake_gateway, tmp_path, status):
    reason, sentence = REFUSALS[status]
    fake_gateway.faults = [(status, b'{"detail": "for a reason"}')]

    with pytest.raises(BuildError) as raised:
        gateway.fetch_source(tmp_path / "archive", DIGEST, 1 << 20)

    assert raised.value.reason is reason
    assert sentence in raised.value.message


def test_an_archive_of_another_digest_is_refused(gateway, fake_gateway, tmp_path):
    fake_gateway.source = b"something else"

    with pytest.raises(BuildError, match="not the one") as raised:
        gateway.fetch_source(tmp_path / "archive", DIGEST, 1 << 20)

    assert raised.value.reason is Reason.SOURCE_INVALID


def test_an_archive_beyond_the_limit(gateway, tmp_path):
    with pytest.raises(BuildError, match=r"larger than 100 bytes") as raised:
        gateway.fetch_source(tmp_path / "archive", DIGEST, 100)

    assert raised.value.reason is Reason.SOURCE_TOO_LARGE


def test_nobody_waits_any_more(gateway, fake_gateway):
    fake_gateway.faults = [(410, b'{"detail": "the definition is gone"}')]

    with pytest.raises(GoneError, match="the definition is gone"):
        gateway.fetch_ca_bundle()


def test_the_builder_fetches_the_ca_bundle(gateway, fake_gateway):
    assert gateway.fetch_ca_bundle() == b""
    fake_gateway.bundle = b"-----BEGIN CERTIFICATE-----"
    assert gateway.fetch_ca_bundle() == b"-----BEGIN CERTIFICATE-----"


@pytest.mark.parametrize("status", [204, 409])
def test_the_builder_puts_its_report(gateway, fake_gateway, status):
    if status != 204:
        fake_gateway.faults = [(status, b"")]

    gateway.put_report(b'{"succeeded": true}')

    assert fake_gateway.requests == [("PUT", "/build/v1/report", "Bearer one")]


def test_a_report_that_is_refused(gateway, fake_gateway):
    fake_gateway.faults = [(400, b'{"detail": "reason must be one word"}')]

    with pytest.raises(BuildError, match="reason must be one word"):
        gateway.put_report(b"{}")
