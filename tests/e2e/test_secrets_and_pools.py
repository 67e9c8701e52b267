"""Secrets as variables and data pools as folders."""

import hashlib
import json

from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import member
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox, program

REPORT_SECRETS = """
import hashlib, json, os
found = {k: hashlib.sha256(v.encode()).hexdigest()[:8] for k, v in os.environ.items() if k.startswith('SECRET_')}
json.dump(found, open('/var/runtime/output/output.json', 'w'))
"""
VALUES = {"first": "s3cr3t-value-one", "second": "zweiter ü $(HOME) wert"}


def test_secrets_arrive_under_the_libraries_names(sandbox: Sandbox, gateway: Gateway) -> None:
    sandbox.secret("tokens", **VALUES)
    first: JsonObject = {"secretKeyRef": {"name": "tokens", "key": "first"}}
    second: JsonObject = {"secretKeyRef": {"name": "tokens", "key": "second"}}
    secrets: JsonObject = {"ibmToken": first, "iqm_token": second, "API_KEY": first}
    final = sandbox.succeed({"runtime": program(REPORT_SECRETS), "secrets": secrets})
    found = json.loads(str(member(final, "status", "result", "output")))
    one, two = digest(VALUES["first"]), digest(VALUES["second"])
    assert found == {"SECRET_IBM_TOKEN": one, "SECRET_IQM_TOKEN": two, "SECRET_API_KEY": one}
    everything = json.dumps([final, sandbox.events(final)]) + gateway.log(
        sandbox.name, "run", sandbox.token()
    )
    assert all(value not in everything for value in VALUES.values())


def test_two_data_pools_by_label_and_by_name(sandbox: Sandbox) -> None:
    sandbox.claim("by-label", labels={"serviceexecution.dev/datapool-id": "pool-1"})
    sandbox.claim("by-name")
    sandbox.fill({"by-label": {"a.txt": "alpha"}, "by-name": {"inner/b.txt": "beta", "hidden.txt": "no"}})
    source = """
import json, pathlib
pool = pathlib.Path('/var/runtime/datapool')
found = {str(f.relative_to(pool)): f.read_text() for f in sorted(pool.rglob('*')) if f.is_file()}
errors = {}
for name in ('training', 'reference', 'scratch'):
    try:
        (pool / name / 'written').write_text('x')
    except OSError as error:
        errors[name] = error.strerror
files = sorted(p.name for p in pathlib.Path('/var/runtime/input').glob('*.json'))
json.dump({'found': found, 'errors': errors, 'input': files}, open('/var/runtime/output/output.json', 'w'))
"""
    pool: JsonObject = {"persistentVolumeClaim": {"claimName": "by-name"}}
    final = sandbox.succeed(
        {
            "runtime": program(source),
            "input": {"training": {"ref": "DATAPOOL", "id": "pool-1"}, "data": 1},
            "dataPools": {
                "reference": {**pool, "subPath": "inner"},
                "scratch": {**pool, "subPath": "new-folder", "readOnly": False},
            },
        }
    )
    assert json.loads(str(member(final, "status", "result", "output"))) == {
        "found": {"training/a.txt": "alpha", "reference/b.txt": "beta"},
        "errors": {"training": "Read-only file system", "reference": "Read-only file system"},
        "input": ["data.json"],
    }


def test_grant_of_a_data_pool_is_not_passed_on(sandbox: Sandbox, gateway: Gateway) -> None:
    sandbox.claim("pool", labels={"serviceexecution.dev/datapool-id": "pool-1"})
    given = json.dumps({"training": {"ref": "DATAPOOL", "id": "pool-1", "grant": "header.claims.mark"}})
    source = "import os\nprint(sorted(os.listdir('/var/runtime/input')))"
    final = sandbox.succeed({"runtime": program(source), "inputJson": given})
    assert gateway.log(sandbox.name, "run", sandbox.token()) == "[]\n"
    assert "header.claims.mark" not in json.dumps([final["status"], sandbox.events(final)])


def test_output_on_a_claim_stays_there(sandbox: Sandbox) -> None:
    sandbox.claim("results")
    source = "open('/var/runtime/output/output.json', 'w').write('{\"kept\": true}')"
    claim: JsonObject = {"persistentVolumeClaim": {"claimName": "results"}}
    first = sandbox.succeed({"runtime": program(source), "output": {**claim, "subPath": "mine/one"}})
    assert member(first, "status", "result", "output") == '{"kept": true}'
    look = "import shutil; shutil.copy('/var/runtime/datapool/results/output.json', '/var/runtime/output')"
    pools: JsonObject = {"results": {**claim, "subPath": "mine/one"}}
    second = sandbox.succeed({"runtime": program(look), "dataPools": pools}, name="look")
    assert member(second, "status", "result", "output") == '{"kept": true}'


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:8]
