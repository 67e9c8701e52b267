"""Where callbacks may go, what they say and how they are signed."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from serviceexecution.callbacks.addresses import RefusedAddressError, check_literal, may_connect
from serviceexecution.callbacks.allow_list import RefusedUrlError, allowed_target
from serviceexecution.callbacks.event import body_of, finished_event, signed_headers, signing_key
from tests.unit.callbacks.executions import execution

ENTRIES = [
    "https://hooks.example.com/",
    "https://*.example.org/sx",
    "http://receiver.{namespace}.svc:8080/in/",
    "https://[2001:db8::1]/",
]


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/",
        "https://hooks.example.com",
        "https://hooks.example.com/a/b?c=d",
        "https://hooks.example.com:443/a",
        "https://HOOKS.example.com/a",
        "https://hooks.example.com./a",
        "https://a.example.org/sx",
        "https://a.b.example.org/sx/y",
        "http://receiver.team-a.svc:8080/in",
        "http://receiver.team-a.svc:8080/in/x",
        "https://[2001:db8::1]/x",
    ],
)
def test_an_allowed_url_is_taken_as_it_is(url):
    assert allowed_target(url, "team-a", ENTRIES).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://hooks.example.com:8443/",
        "https://hooks.example.com.evil.net/",
        "https://evil.net/hooks.example.com/",
        "https://hooks.example.com@evil.net/",
        "https://user:pass@hooks.example.com/",
        "https://hooks.example.com\\@evil.net/",
        "https://hooks.example.com#@evil.net/",
        "https://example.org/sx",
        "https://a.example.org/sxy",
        "https://a.example.org/sx/../admin",
        "https://a.example.org/sx/%2e%2e/admin",
        "https://a.example.org/sx/%252e%252e/admin",
        "https://a.example.org/other",
        "https://evilexample.org/sx",
        "http://receiver.team-b.svc:8080/in",
        "http://receiver.team-a.svc/in",
        "http://receiver.team-a.svc:8080/inside",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://127.0.0.1/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "https:///x",
        "https://hooks.example.com:x/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nHost: evil.net",
        "https://hooks.example.com\u2024evil.net/",
        "https://hooks.example.com\U0001f600.evil.net/",
        "hooks.example.com",
        "",
    ],
)
def test_a_url_that_no_entry_allows_is_refused(url):
    with pytest.raises(RefusedUrlError):
        allowed_target(url, "team-a", ENTRIES)


def test_nothing_is_allowed_by_default():
    with pytest.raises(RefusedUrlError, match=r"callbacks\.allowedUrls"):
        allowed_target("https://hooks.example.com/", "team-a", [])


def test_a_host_of_a_wildcard_is_not_named_exactly():
    assert not allowed_target("https://a.example.org/sx", "n", ENTRIES).exact
    assert allowed_target("http://receiver.n.svc:8080/in", "n", ENTRIES).exact


@pytest.mark.parametrize(
    ("address", "wild", "exact"),
    [
        ("93.184.215.14", True, True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True, True),
        ("10.1.2.3", False, True),
        ("192.168.0.1", False, True),
        ("fd00::1", False, True),
        ("127.0.0.1", False, False),
        ("::1", False, False),
        ("::ffff:127.0.0.1", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("169.254.169.254", False, False),
        ("fe80::1%eth0", False, False),
        ("224.0.0.1", False, False),
        ("0.0.0.0", False, False),  # noqa: S104
        ("::", False, False),
        ("255.255.255.255", False, False),
        ("100.64.3.4", False, True),
        # clouds' own
        ("100.100.100.200", False, False),
        ("168.63.129.16", False, False),
        ("fd00:ec2::254", False, False),
        # IPv4 within IPv6: NAT64, 6to4, compatible
        ("64:ff9b::93.184.215.14", True, True),
        ("64:ff9b::10.1.2.3", False, True),
        ("64:ff9b::169.254.169.254", False, False),
        ("64:ff9b::127.0.0.1", False, False),
        ("64:ff9b:1::10.1.2.3", False, False),
        ("2002:7f00:1::", False, False),
        ("2002:a9fe:a9fe::1", False, False),
        ("::127.0.0.1", False, False),
        ("::ffff:0:127.0.0.1", False, False),
        ("fec0::1", False, False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False, True),
    ],
)
def test_private_addresses_are_only_for_exact_entries(address, wild, exact):
    assert (may_connect(address, False), may_connect(address, True)) == (wild, exact)


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "0x7f.1", "a.0x7f", "0177.0.0.1", "1.2.3.256"]
)
def test_what_only_looks_like_a_name(host):
    with pytest.raises(RefusedAddressError):
        check_literal(host, may_connect, exact=True)


@pytest.mark.parametrize("host", ["example.com", "1.example", "0x7f.example", "3com"])
def test_names_are_left_to_the_resolver(host):
    check_literal(host, may_connect, exact=False)


def test_the_event_is_a_cloudevent_without_input():
    event = finished_event(execution(reason="ProgramFailed", message="No."))
    assert (event["specversion"], event["time"]) == ("1.0", "2026-11-24T12:01:00Z")
    assert event["id"] == event["subject"] == "5a8e0a3e-0000-4000-8000-000000000000"
    assert event["data"]["status"] == "FAILED"
    assert event["data"]["service"] == "sum"
    assert b"never" not in body_of(event)


KEY = b"a key of at least 24 bytes"
ENCODED_KEY = f"whsec_{base64.b64encode(KEY).decode()}"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(b"whsec_" + base64.b64encode(KEY) + b"\n", "whsec_" + base64.b64encode(KEY).decode()), (KEY, KEY)],
)
def test_a_library_for_standard_webhooks_verifies_what_we_sign(ours, theirs):
    body = body_of({"subject": "Ümläute"})
    headers = signed_headers(ours, "id", body, datetime.now(UTC))
    assert Webhook(theirs).verify(body, headers) == {"subject": "Ümläute"}
    for other in (
        headers | {"webhook-id": "x"},
        headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)},
    ):
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Webhook(theirs).verify(body, other)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(theirs).verify(body + b" ", headers)


def test_the_signature_is_that_of_standard_webhooks():
    now = datetime(2026, 11, 24, tzinfo=UTC)
    headers = signed_headers(b"whsec_" + base64.b64encode(b"key"), "id", b"{}", now)
    expected = hmac.new(b"key", f"id.{int(now.timestamp())}.{{}}".encode(), hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
    assert signing_key(b"plain\n") == b"plain"
