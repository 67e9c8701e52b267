"""The release in its large shape: controllers and gateways apart, two of each, with an S3 server of a test's own."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import SECRETS, uid_of
from tests.support.operator import Operator
from tests.support.pod_server import start_server
from tests.support.sandbox import Sandbox
from tools.chart.install_manifest import CHART

S3_IMAGE: Final = "ghcr.io/versity/versitygw:v1.8.0"
SERVE: Final = "mkdir -p /tmp/data/results && exec versitygw --port :7070 posix /tmp/data"
CREDENTIALS: Final = "object-store"
RELEASE: Final = "serviceexecution"
_SMALL: Final = (
    "mode=small",
    "store.url=",
    "store.clusterId=",
    "store.credentialsSecret=",
    "store.options=null",
)


@contextlib.contextmanager
def large_shape(sandbox: Sandbox, operator: Operator, helm: Callable[..., str]) -> Iterator[None]:
    """Bring the release into the large shape; back afterwards. The server is in the sandbox."""
    key = {"ROOT_ACCESS_KEY": "AKIATEST", "ROOT_SECRET_KEY": "of-a-test-alone"}
    host = start_server(sandbox, "store", SERVE, port=7070, variables=key, image=S3_IMAGE)
    variables: JsonObject = {
        "AWS_ACCESS_KEY_ID": key["ROOT_ACCESS_KEY"],
        "AWS_SECRET_ACCESS_KEY": key["ROOT_SECRET_KEY"],
    }
    secret: JsonObject = {"metadata": {"name": CREDENTIALS}, "stringData": variables}
    operator.cluster.delete(SECRETS, operator.namespace, CREDENTIALS)  # Of a run that was killed
    operator.cluster.create(SECRETS, operator.namespace, secret)
    values = {
        "mode": "large",
        "store.url": "s3://results/kept",
        "store.clusterId": "test",
        "store.credentialsSecret": CREDENTIALS,
        "store.options.endpoint": f"http://{host}:7070",
        "store.options.region": "us-east-1",
        "store.options.allow_http": "true",
    }

    def change(option: str, *settings: str) -> None:
        old = frozenset(uid_of(pod) for pod in operator.pods())
        words = [word for setting in settings for word in (option, setting)]
        helm("upgrade", RELEASE, CHART, "--reset-then-reuse-values", *words, "--wait")
        operator.wait_until_ready(not_uids=old)

    try:
        change("--set-string", *(f"{name}={value}" for name, value in values.items()))
        yield
    finally:
        change("--set", *_SMALL)
        operator.cluster.delete(SECRETS, operator.namespace, CREDENTIALS)
