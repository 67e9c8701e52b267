"""The release in the cluster: `helm test` passes, and an upgrade loses neither executions nor results."""

import secrets

import pytest

from tests.support.cluster import uid_of
from tests.support.sandbox import phase_and_reason, shell
from tools.chart.install_manifest import CHART

PATIENT = """
i=0
while [ $i -lt 30 ]; do echo tick $i; i=$((i + 1)); sleep 1; done
echo done > /var/runtime/output/end.txt
"""


@pytest.mark.alone
def test_helm_test_runs_an_execution(turn, helm):
    printed = helm("test", "serviceexecution", "--logs", "--timeout", "3m")
    assert 'Result: {"sum": 6}' in printed


@pytest.mark.alone
def test_upgrade_keeps_executions_and_results(helm, operator, sandbox, gateway):
    sandbox.succeed({"runtime": shell("echo kept > /var/runtime/output/file.txt; echo said")}, name="before")
    sandbox.create({"runtime": shell(PATIENT)}, name="during")
    sandbox.wait_for_running("during")
    old = frozenset(uid_of(pod) for pod in operator.pods())

    change = f"podAnnotations.upgraded={secrets.token_hex(4)}"
    helm("upgrade", "serviceexecution", CHART, "--reset-then-reuse-values", "--set-string", change, "--wait")

    operator.wait_until_ready(not_uids=old)
    assert gateway.file(sandbox.name, "before", "file.txt", sandbox.token()).text == "kept\n"
    assert gateway.log(sandbox.name, "before", sandbox.token()) == "said\n"
    final = sandbox.wait_for_end("during")
    assert phase_and_reason(final) == ("Succeeded", "Succeeded")
    assert gateway.log(sandbox.name, "during", sandbox.token()) == "".join(f"tick {i}\n" for i in range(30))
    assert gateway.file(sandbox.name, "during", "end.txt", sandbox.token()).text == "done\n"
