"""The API server reaches admission webhooks behind Services, and says what is wrong with one that is down."""

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.kubectl import kubectl, must
from tests.support.webhooks import REFUSAL, webhook

pytestmark = pytest.mark.cluster

Install = Callable[..., None]


@pytest.fixture
def install(namespace: str) -> Iterator[Install]:
    def apply(*, alive: bool) -> None:
        for item in webhook(namespace, resource="configmaps", alive=alive):
            must("create", "-f", "-", stdin=item)

    yield apply
    must("delete", "validatingwebhookconfiguration", namespace, "--ignore-not-found")


def until_it_says(sentence: str, namespace: str, name: str) -> None:
    """Create a ConfigMap until the API server refuses it so: it learns of a webhook a moment after it is made."""
    end = time.monotonic() + 60
    while sentence not in (said := _create(namespace, name).stderr):
        assert time.monotonic() < end, said
        must("delete", "configmap", name, "--namespace", namespace, "--ignore-not-found")
        time.sleep(0.2)


def _create(namespace: str, name: str) -> subprocess.CompletedProcess[str]:
    return kubectl("create", "configmap", name, "--namespace", namespace)


def test_a_webhook_behind_a_service_is_asked_and_obeyed(namespace: str, install: Install) -> None:
    install(alive=True)
    must("wait", "--for=condition=Ready", "pod/webhook", "--namespace", namespace, "--timeout=60s")
    until_it_says(REFUSAL, namespace, "refused")
    must("create", "configmap", "allowed", "--namespace", namespace)


def test_a_webhook_whose_service_has_no_pod_is_refused_within_seconds(
    namespace: str, install: Install
) -> None:
    install(alive=False)
    until_it_says("connection refused", namespace, "one")
    begun = time.monotonic()
    assert 'failed calling webhook "webhook.serviceexecution.dev"' in _create(namespace, "two").stderr
    assert time.monotonic() - begun < 5
    must("delete", "validatingwebhookconfiguration", namespace)
    end = time.monotonic() + 60
    while (made := _create(namespace, "three")).returncode != 0:
        assert time.monotonic() < end, made.stderr
        time.sleep(0.2)
