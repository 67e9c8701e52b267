"""Each kind of argument, of return value and of failure, with both in-container libraries, on real pods.

The table is one project per library, so one image; each row is an execution whose ENTRYPOINT names its module. One
library has all rows. The other has those that meet it: as processes (tests/launcher) both have all rows, and end alike.
"""

import json
from typing import cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.names import LABEL_DATA_POOL_ID
from tests.support.builds import PYTHON, Builds
from tests.support.cluster import SECRETS, member
from tests.support.launcher.cases import LIBRARIES, POOL_ID, Case, cases_of, faults, project

ALL = "qhub"
"""The library of which each row runs on a pod."""
ROWS_SECONDS = 600
VERSIONS = {"qhub": "1.2.2", "planqk": "1.32.1"}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.timeout(1200, func_only=True)
def test_programs_end_on_pods_as_the_table_says(builds: Builds, library: str):
    cases = [case for case in cases_of(library) if case.for_pods and (library == ALL or case.meets_library)]
    files = {**project(cases, library), "requirements.txt": f"{library}-commons=={VERSIONS[library]}\n"}
    builds.define(files, PYTHON, concurrency=6)
    pools = {name: text for case in cases for pool in case.pools.values() for name, text in pool.items()}
    builds.sandbox.claim("pool", labels={LABEL_DATA_POOL_ID: POOL_ID})
    builds.sandbox.fill({"pool": pools})
    builds.succeed()
    for case in cases:
        start(builds, case)
    found = {case.name: faults_of(builds, case, library) for case in cases}
    assert not any(found.values()), "\n".join(
        f"{name}: {fault}" for name, some in found.items() for fault in some
    )


def name_of(case: Case) -> str:
    return case.name.replace("_", "-").lower()


def start(builds: Builds, case: Case) -> None:
    """Create the execution of a row, and the Secret that it names."""
    name = name_of(case)
    environment = {"ENTRYPOINT": case.entry(), **case.environment}
    body = {key: value for key, value in case.body().items() if key != "$secrets"}
    spec: JsonObject = {
        "serviceRef": {"name": "service"},
        "inputJson": json.dumps(body, ensure_ascii=False),
        "env": [{"name": key, "value": value} for key, value in environment.items()],
    }
    if case.secrets:
        data = {f"key{number}": value for number, value in enumerate(case.secrets.values())}
        builds.sandbox.cluster.create(
            SECRETS, builds.sandbox.name, {"metadata": {"name": name}, "stringData": cast("JsonObject", data)}
        )
        spec["secrets"] = {
            secret: {"secretKeyRef": {"name": name, "key": f"key{number}"}}
            for number, secret in enumerate(case.secrets)
        }
    builds.sandbox.create(spec, name=name)


def faults_of(builds: Builds, case: Case, library: str) -> list[str]:
    """Wait for a row's end and say where it differs from what is expected."""
    namespace, name = builds.sandbox.name, name_of(case)
    final = builds.sandbox.wait_for_end(name, seconds=ROWS_SECONDS)
    exit_code = member(final, "status", "exitCode")
    if not isinstance(exit_code, int):
        return [f"It has not run: {member(final, 'status', 'message')}"]
    files = {
        str(file["path"]): builds.gateway.file(namespace, name, str(file["path"]), builds.token).content
        for file in builds.gateway.files(namespace, name, builds.token)
    }
    log = builds.gateway.log(namespace, name, builds.token)
    found = faults(case, library, exit_code=exit_code, files=files, log=log)
    problem = case.outcome(library).problem
    if problem is not None and case.outcome(library).problem_in == "output.json":
        message = str(member(final, "status", "message"))
        if problem.title not in message:
            found.append(f"The status says {message!r}, without {problem.title!r}.")
    return found
