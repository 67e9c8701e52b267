"""Many at once: all end right, none stuck, none lost."""

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import JOBS, SERVICE_EXECUTIONS
from tests.support.cluster import Cluster, member
from tests.support.gateway import Gateway
from tests.support.sandbox import TERMINAL, Sandbox, shell

EXECUTIONS = 200
MOST_SECONDS = 1200


@pytest.mark.load
@pytest.mark.alone
@pytest.mark.timeout(MOST_SECONDS + 120, func_only=True)
def test_two_hundred_at_once(
    sandbox: Sandbox, cluster: Cluster, gateway: Gateway, figure: Callable[[str], None]
) -> None:
    script = 'cat /var/runtime/input/number.json; cp /var/runtime/input/number.json "$OUT/output.json"'
    resources: JsonObject = {"requests": {"cpu": "1m", "memory": "4Mi"}, "limits": {"memory": "32Mi"}}

    def create(number: int) -> None:
        sandbox.create(
            {
                "runtime": shell(script, image="docker.io/library/busybox:1.35.0"),
                "input": {"number": number},
                "env": [{"name": "OUT", "value": "/var/runtime/output"}],
                "resources": resources,
                # The node has room for some of them: the others wait, and waiting is no failure.
                "startTimeout": "30m",
            },
            name=f"run-{number}",
        )

    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(EXECUTIONS)))
    created = time.monotonic() - begun
    found = cluster.wait_for_all(
        SERVICE_EXECUTIONS,
        sandbox.name,
        lambda items: all(member(item, "status", "phase") in TERMINAL for item in items.values()),
        seconds=MOST_SECONDS,
        what="the end of all executions",
    )
    took = time.monotonic() - begun
    ends = Counter((member(i, "status", "phase"), member(i, "status", "reason")) for i in found.values())
    figure(
        f"{EXECUTIONS} executions at once: created in {created:.1f} s, all ended after {took:.1f} s "
        f"({EXECUTIONS / took * 60:.0f} a minute): {dict(ends)}"
    )
    assert ends == {("Succeeded", "Succeeded"): EXECUTIONS}
    outputs = {name: member(item, "status", "result", "output") for name, item in found.items()}
    assert outputs == {f"run-{number}": json.dumps(number) for number in range(EXECUTIONS)}
    assert all(member(item, "status", "log", "bytes") for item in found.values())
    assert all(member(item, "status", "attempts") == 1 for item in found.values())
    token = sandbox.token()
    for number in range(0, EXECUTIONS, 20):
        assert gateway.log(sandbox.name, f"run-{number}", token).strip() == str(number)
    cluster.wait_until_gone(JOBS, sandbox.name, seconds=60)
