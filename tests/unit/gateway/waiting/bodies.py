"""Executions as watches tell of them."""


def body(name, version, phase="Pending", namespace="team-a"):
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "namespace": namespace,
            "creationTimestamp": "2026-11-28T10:00:00Z",
            "resourceVersion": str(version),
        },
        "spec": {"serviceRef": {"name": "sum"}},
        "status": {"phase": phase},
    }
