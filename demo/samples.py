"""The manifests that the demo applies: the sample ``sum``, and the account that reads its result."""

from pathlib import Path
from typing import Final, cast

import yaml

from demo import ROOT
from demo.errors import DemoError
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import JOBS, PERSISTENT_VOLUME_CLAIMS, SERVICE_EXECUTIONS, ResourceKind

NAMESPACE: Final = "serviceexecution-demo"
EXECUTION: Final = "sum"
EXTRA_FILE: Final = "products.csv"
EXPECTED: Final[JsonObject] = {"sum": 6}
READER: Final = "reader"
"""ServiceAccount whose token reads log and files from the gateway."""

SAMPLES: Final = ROOT / "manifests" / "samples"
NAMESPACES: Final = ResourceKind("", "v1", "namespaces")
SECRETS: Final = ResourceKind("", "v1", "secrets")
SERVICE_ACCOUNTS: Final = ResourceKind("", "v1", "serviceaccounts")
ROLE_BINDINGS: Final = ResourceKind("rbac.authorization.k8s.io", "v1", "rolebindings")

_KINDS: Final = {
    "Job": JOBS,
    "PersistentVolumeClaim": PERSISTENT_VOLUME_CLAIMS,
    "RoleBinding": ROLE_BINDINGS,
    "Secret": SECRETS,
    "ServiceAccount": SERVICE_ACCOUNTS,
    "ServiceExecution": SERVICE_EXECUTIONS,
}

NAMESPACE_MANIFEST: Final[JsonObject] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {
        "name": NAMESPACE,
        # Every pod of the demo passes the strictest of Kubernetes' own rules.
        "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
    },
}


def access_manifests() -> list[JsonObject]:
    """Return the account that reads results, and its right to do so by the built-in role ``view``."""
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": READER}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": READER},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "ServiceAccount", "name": READER, "namespace": NAMESPACE}],
        },
    ]


def read_manifests(path: Path) -> list[JsonObject]:
    """Return the objects of a YAML file; raises DemoError when it is missing or no list of objects."""
    try:
        documents = [document for document in yaml.safe_load_all(path.read_text()) if document is not None]
    except OSError as error:
        raise DemoError(f"The sample {path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise DemoError(f"The sample {path} is not valid YAML: {error}") from error
    for document in documents:
        if not isinstance(document, dict) or document.get("kind") not in _KINDS:
            raise DemoError(f"The sample {path} holds something that the demo cannot apply.")
    return cast("list[JsonObject]", documents)


def kind_of(manifest: JsonObject) -> ResourceKind:
    """Return the API's path of a manifest's kind."""
    return _KINDS[str(manifest["kind"])]


def name_of(manifest: JsonObject) -> str:
    """Return the manifest's name."""
    return str(cast("JsonObject", manifest["metadata"])["name"])
