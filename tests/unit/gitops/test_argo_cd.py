"""What Argo CD says of our kinds, by the scripts of manifests/argocd in a real Lua of its version."""

from typing import Any

import pytest
import yaml
from lupa import lua51

from serviceexecution.resources.names import API_GROUP, DEFINITION_KIND, KIND, POOL_KIND
from tests.support.kstatus import kstatus
from tests.support.seen_statuses import UNSEEN, Seen, manifest, seen_statuses
from tools import ROOT

SCRIPTS = yaml.safe_load((ROOT / "manifests/argocd/argocd-cm.yaml").read_text())["data"]
PREFIX = f"resource.customizations.health.{API_GROUP}_"
SEEN = list(seen_statuses())
AS_KSTATUS = {"Healthy": "Current", "Progressing": "InProgress", "Degraded": "Failed"}


def health(one: dict[str, Any]) -> tuple[str, str]:
    """Return status and message of Argo CD."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    # Argo CD opens no more of the standard library than this.
    for library in ("io", "debug", "string", "math"):
        lua.globals()[library] = None
    lua.globals()["obj"] = lua.table_from(one, recursive=True)
    answer = lua.execute(SCRIPTS[f"{PREFIX}{one['kind']}"])
    return answer["status"], answer["message"]


@pytest.mark.parametrize("seen", SEEN, ids=lambda seen: seen.state)
def test_argo_cd_says_the_same_as_kstatus(seen: Seen):
    status, message = health(seen.manifest)
    if seen.manifest["kind"] == DEFINITION_KIND and seen.phase == "Failed":
        assert status in {"Degraded", "Progressing"}  # kstatus has no word for a Ready that will stay False
    else:
        assert AS_KSTATUS[status] == kstatus(seen.manifest)
    assert message


def test_the_states_are_of_every_phase():
    assert {seen.phase for seen in SEEN if seen.manifest["kind"] == KIND} >= {
        "Pending",
        "Running",
        "Succeeded",
        "Failed",
        "Cancelled",
    }
    assert {seen.phase for seen in SEEN if seen.manifest["kind"] == DEFINITION_KIND} >= {"Building", "Failed"}


@pytest.mark.parametrize("kind", [KIND, DEFINITION_KIND, POOL_KIND])
class TestEveryKind:
    @pytest.mark.parametrize("status", [{}, UNSEEN])
    def test_nothing_is_healthy_before_it_was_seen(self, kind, status):
        assert health(manifest(kind, status)) == ("Progressing", "The operator has not looked at it yet.")

    def test_an_object_without_a_status_is_progressing(self, kind):
        one = manifest(kind, {})
        del one["status"]
        assert health(one)[0] == "Progressing"

    def test_an_object_that_is_being_deleted_is_progressing(self, kind):
        one = manifest(kind, {"conditions": []}, deletionTimestamp="2026-03-01T12:00:00Z")
        assert health(one) == ("Progressing", "It is being deleted.")

    def test_a_newer_spec_is_progressing(self, kind):
        one = manifest(kind, {"conditions": [], "observedGeneration": 1}, generation=2)
        assert health(one) == ("Progressing", "The operator has not looked at its latest spec yet.")


@pytest.mark.parametrize(
    ("phase", "ready", "expected"),
    [
        ("Ready", ("True", "Executions of this service can start."), "Healthy"),
        ("Failed", ("False", "spec.inputSchema: no"), "Degraded"),
    ],
)
def test_a_service_of_an_image_says_its_condition(phase, ready, expected):
    condition = {"type": "Ready", "status": ready[0], "message": ready[1]}
    one = manifest(DEFINITION_KIND, {"phase": phase, "observedGeneration": 1, "conditions": [condition]})
    assert health(one) == (expected, ready[1])


@pytest.mark.parametrize(("ready", "expected"), [("True", "Healthy"), ("False", "Progressing")])
def test_a_data_pool_goes_by_its_condition(ready, expected):
    condition = {"type": "Ready", "status": ready, "message": "The claim is not bound."}
    one = manifest(POOL_KIND, {"observedGeneration": 1, "conditions": [condition]})
    assert health(one) == (expected, "The claim is not bound.")


def test_a_failed_execution_says_why():
    failed = next(seen for seen in SEEN if seen.phase == "Failed")
    assert health(failed.manifest) == ("Degraded", failed.manifest["status"]["message"])


def test_a_service_that_serves_while_a_newer_build_failed_is_degraded():
    """As `helm --wait` fails then, although executions go on with the revision that there is."""
    one = manifest(
        DEFINITION_KIND,
        {
            "phase": "Ready",
            "observedGeneration": 1,
            "conditions": [
                {"type": "Ready", "status": "True", "message": "Executions of this service can start."},
                {"type": "Reconciling", "status": "False", "message": ""},
                {"type": "Stalled", "status": "True", "message": "RUN make ended with 2."},
            ],
        },
    )
    assert health(one) == ("Degraded", "RUN make ended with 2.")
