"""One execution per feature: what the golden files are rendered from."""

from typing import Final

from serviceexecution.contract.json_types import JsonObject

IMMUTABLE_INPUT: Final[JsonObject] = {
    "metadata": {
        "name": "numbers-input",
        "namespace": "team",
        "uid": "0a1b2c3d-0000-4000-8000-0000000000aa",
        "creationTimestamp": "2026-03-01T12:00:00Z",
    },
    "data": {"data": '{"values": [1, 2, 3]}', "params.json": '{"round_up": true}'},
    "immutable": True,
}

_RUNTIME: Final[JsonObject] = {"docker": {"image": "registry.example/sum:1"}}

EVERYTHING: Final[JsonObject] = {
    "runtime": {
        "docker": {
            "image": "registry.example/sum@sha256:" + "ab" * 32,
            "imagePullPolicy": "Always",
            "command": ["python3"],
            "args": ["-m", "program"],
            "workingDir": "/opt/program",
        }
    },
    "inputJson": '{"data": {"values": [1, 2.0, 12345678901234567890]}, "größe": 1e3, "params": null}',
    "secrets": {
        "ibmToken": {"secretKeyRef": {"name": "ibm", "key": "token"}},
        "api-key": {"secretKeyRef": {"name": "ibm", "key": "key", "optional": True}},
    },
    "dataPools": {"pool": {"persistentVolumeClaim": {"claimName": "numbers"}}},
    "output": {"limit": "2Gi", "collectTimeout": "10m"},
    "env": [
        {"name": "MODE", "value": "fast"},
        {"name": "HOME", "value": "/opt/home"},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "SETTING", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
        {"name": "CPUS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
    ],
    "resources": {
        "requests": {"cpu": "500m", "memory": "1Gi"},
        "limits": {"memory": "2Gi", "nvidia.com/gpu": 1},
    },
    "timeout": "1h30m",
    "startTimeout": "5m",
    "cancelGrace": "1500ms",
    "ttlSecondsAfterFinished": 3600,
    "serviceAccountName": "runner",
    "imagePullSecrets": [{"name": "registry"}],
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
                ]
            }
        }
    },
    "priorityClassName": "high",
    "runtimeClassName": "gvisor",
    "securityContext": {
        "runAsUser": 1001,
        "runAsGroup": 1002,
        "fsGroup": 1003,
        "supplementalGroups": [2000],
        "runAsNonRoot": True,
        "seccompProfile": {"type": "Localhost", "localhostProfile": "profiles/strict.json"},
        "capabilities": {"add": ["NET_BIND_SERVICE"]},
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
    },
    "tags": ["nightly"],
}

VARIANTS: Final[dict[str, JsonObject]] = {
    "minimal": {"runtime": _RUNTIME},
    "everything": EVERYTHING,
    "two-data-pools": {
        "runtime": _RUNTIME,
        "input": {"n": 1},
        "dataPools": {
            "numbers": {"persistentVolumeClaim": {"claimName": "shared"}, "subPath": "numbers"},
            "words": {
                "persistentVolumeClaim": {"claimName": "shared"},
                "subPath": "words",
                "readOnly": False,
            },
            "dotted": {"persistentVolumeClaim": {"claimName": "a.claim.with.dots"}},
        },
    },
    "input-from-immutable": {
        "runtime": _RUNTIME,
        "inputFrom": {"configMapRef": {"name": "numbers-input"}},
    },
    "output-on-claim": {
        "runtime": _RUNTIME,
        "output": {"persistentVolumeClaim": {"claimName": "results"}},
    },
    "root-image": {
        "runtime": _RUNTIME,
        "securityContext": {"runAsUser": 0, "runAsNonRoot": False, "capabilities": {"drop": []}},
    },
    "own-process-namespace": {"runtime": _RUNTIME, "shareProcessNamespace": False},
    "queue": {"runtime": _RUNTIME, "queueName": "small"},
    "pod-template": {
        "runtime": _RUNTIME,
        "podTemplate": {
            "metadata": {
                "labels": {"team": "blue", "serviceexecution.dev/execution-uid": "not this one"},
                "annotations": {"serviceexecution.dev/output-limit": "1", "linkerd.io/inject": None},
            },
            "spec": {
                "restartPolicy": "Always",
                "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["database"]}],
                "containers": [
                    {
                        "name": "main",
                        "env": [{"name": "PYTHONUNBUFFERED", "value": "0"}, {"name": "EXTRA", "value": "1"}],
                        "volumeMounts": [{"mountPath": "/dev/shm", "name": "memory"}],
                    }
                ],
                "volumes": [{"name": "memory", "emptyDir": {"medium": "Memory"}}],
            },
        },
    },
}
