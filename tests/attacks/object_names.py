"""Names that an object can have or not, and where our resources name objects."""

from typing import Any, cast

from serviceexecution.contract.json_types import JsonObject

EVIL = "../../team-b/configmaps/billing"
GOOD = ("a", "0", "my-secret", "my.secret-1", "a" * 63, "a" * 253)
BAD = (
    EVIL,
    "..",
    ".",
    "a/b",
    "A",
    "a_b",
    "-a",
    "a-",
    ".a",
    "a.",
    "a..b",
    "a.-b",
    "a b",
    "a\n",
    "ä",
    "a%2fb",
    "a?b",
)
GOOD_KEYS = ("token", "ca.crt", "_", "-", ".a", "A_b-c.d")
BAD_KEYS = ("a/b", ".", "..", "../token", "..data", "a b", "a\n", "ä", "a%2fb", "")
SHARED = {
    "callback.signingKey": "key",
    "dataPools.*.dataPoolRef.name": "name",
    "dataPools.*.persistentVolumeClaim.claimName": "name",
    "env[].valueFrom.configMapKeyRef.key": "key",
    "env[].valueFrom.configMapKeyRef.name": "name",
    "env[].valueFrom.secretKeyRef.key": "key",
    "env[].valueFrom.secretKeyRef.name": "name",
    "imagePullSecrets[].name": "name",
    "output.persistentVolumeClaim.claimName": "name",
    "priorityClassName": "name",
    "queueName": "name",
    "runtimeClassName": "name",
    "secrets.*.secretKeyRef.key": "key",
    "secrets.*.secretKeyRef.name": "name",
    "serviceAccountName": "name",
}
OF_EXECUTIONS = {**SHARED, "inputFrom.configMapRef.name": "name", "serviceRef.name": "name"}
OF_SERVICES = {
    **SHARED,
    "build.cache.persistentVolumeClaim.claimName": "name",
    "runtime.docker.build.secrets.*.name": "name",
    "runtime.python.packageIndex.name": "name",
    "source.git.secretRef.name": "name",
}


def spec_with(path: str, value: str) -> JsonObject:
    """Return the part of a spec in which the field of that path is ``value``."""
    found: Any = value
    for part in reversed(path.replace("[]", ".[]").split(".")):
        found = [found] if part == "[]" else {("x" if part == "*" else part): found}
    return cast("JsonObject", found)
