"""Every rule of the chart has a call that needs it, and every call has its rule."""

import pytest

from serviceexecution.cli import access_key_objects
from serviceexecution.resources.access_key import KeyId
from tests.chart.conftest import LARGE, REGISTRY, named
from tests.chart.rights import granted, rights
from tools import ROOT
from tools.errors import GenerationError
from tools.pages import rights as called

CALLBACKS = ("callbacks.allowedUrls={https://hooks.example.com/}",)
WRITES = ("gateway.platformApi.write=true",)
CODE = ROOT / "operator" / "serviceexecution"

OF_ACCESS_KEYS = {("/secrets", "get"), ("/serviceaccounts/token", "create")}
"""The gateway has these by the Role of each access key alone, about that key's Secret and account."""


@pytest.mark.parametrize(
    "sets", [(), LARGE, ("watchNamespaces={team-a,team-b}",)], ids=["small", "large", "named"]
)
@pytest.mark.parametrize("process", called.PROCESSES)
def test_a_process_has_the_rights_that_its_code_calls_for(render, sets, process):
    found = rights(render(*sets, *REGISTRY, *CALLBACKS, *WRITES), f"sx-serviceexecution-{process}")
    needed = set(called.rights(process)) - (OF_ACCESS_KEYS if process == "gateway" else set())
    assert set().union(*found.values()) == needed


def test_the_gateway_writes_services_and_pools_and_deletes_only_where_the_operator_lets_it(render):
    without, with_it = (rights(render(*values), "sx-serviceexecution-gateway")[""] for values in ((), WRITES))
    pools = {("serviceexecution.dev/datapools", verb) for verb in ("create", "patch", "delete")}
    services = {("serviceexecution.dev/servicedefinitions", verb) for verb in ("create", "patch", "delete")}
    assert with_it - without == services | pools | {("serviceexecution.dev/serviceexecutions", "delete")}


def test_access_keys_bring_the_rest():
    """By name: no key's Role is about anything but the key."""
    key = KeyId("team-a", "k1")
    account = access_key_objects.GatewayAccount("system", "gateway", "submit")
    roles = [
        manifest for kind, manifest in access_key_objects.key_objects(key, "uid", account) if kind == "roles"
    ]
    (role,) = roles
    rules = role["rules"]
    assert {(f"/{rule['resources'][0]}", rule["verbs"][0]) for rule in rules} == OF_ACCESS_KEYS
    assert all(rule["resourceNames"] == [key.secret_name] for rule in rules)


READERS = {
    ("serviceexecutions", "get"): "gateway/service_api/context.py",
    ("serviceexecutions", "list"): "gateway/service_api/executions/list_routes.py",
    ("servicedefinitions", "get"): "gateway/service_api/description/routes.py",
    ("serviceexecutions/results", "get"): "gateway/results/routes.py",
    ("serviceexecutions/log", "get"): "gateway/service_api/executions/log_routes.py",
    ("servicedefinitions/log", "get"): "gateway/builds/log_routes.py",
    ("servicedefinitions/run", "create"): "gateway/access/rights.py",
    ("servicedefinitions/source", "create"): "gateway/access/rights.py",
    ("servicedefinitions/source", "get"): "gateway/platform_api/services/source_routes.py",
    ("serviceexecutions/cancel", "update"): "gateway/access/rights.py",
    ("serviceexecutions/results", "delete"): "gateway/access/rights.py",
    ("datapools", "get"): "gateway/platform_api/data_pools/pool_routes.py",
    ("datapools", "list"): "gateway/platform_api/data_pools/pool_routes.py",
    ("datapools/files", "get"): "gateway/platform_api/data_pools/access.py",
    ("datapools/files", "create"): "gateway/platform_api/data_pools/access.py",
    ("datapools/files", "delete"): "gateway/platform_api/data_pools/access.py",
}
"""What the gateway asks about its callers: where. The part after the slash, or the verb, stands there in quotes."""


@pytest.mark.parametrize("role", ["submit", "develop"])
def test_roles_of_clients_grant_what_the_gateway_asks_for_and_no_more(render, role):
    found = granted(named(render(), "ClusterRole", f"sx-serviceexecution-{role}"))
    assert found <= READERS.keys()
    for resource, verb in found:
        text = (CODE / READERS[resource, verb]).read_text()
        assert f'"{resource.partition("/")[2] or verb}"' in text, (resource, verb)


def test_roles_of_users_add_what_the_api_server_serves(render):
    """``view`` and ``edit`` are for kubectl, too: all verbs of ours, and of nothing else."""
    kinds = ("serviceexecutions", "servicedefinitions", "datapools")
    served = {f"{kind}{part}" for kind in kinds for part in ("", "/status")}
    for role in ("view", "edit"):
        rest = granted(named(render(), "ClusterRole", f"sx-serviceexecution-{role}")) - READERS.keys()
        assert {resource for resource, _ in rest} <= served, role


def test_a_call_of_an_unknown_kind_is_no_right(monkeypatch):
    monkeypatch.setattr(called, "LOOPS", {})
    called.rights.cache_clear()
    with pytest.raises(GenerationError, match=r"say in LOOPS of tools/pages/rights\.py"):
        called.rights("controller")
    called.rights.cache_clear()


def test_entries_that_no_call_needs_are_named():
    """Each entry of LOOPS and UNCALLED stands for code that is there."""
    for place, _ in called.LOOPS:
        assert "kind" in (CODE / place).read_text(), place
    for entries in called.UNCALLED.values():
        for (resource, _), place in entries.items():
            word = "blockOwnerDeletion" if resource.endswith("/finalizers") else "kopf.on.event"
            assert word in (CODE / place).read_text(), place
