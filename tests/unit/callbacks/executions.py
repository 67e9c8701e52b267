"""Executions that ended and are to call back."""

from serviceexecution.resources.executions.execution import ServiceExecution


def execution(**status):
    return ServiceExecution.model_validate(
        {
            "metadata": {
                "name": "run",
                "namespace": "team-a",
                "uid": "5a8e0a3e-0000-4000-8000-000000000000",
                "creationTimestamp": "2026-11-24T12:00:00Z",
            },
            "spec": {
                "serviceRef": {"name": "sum"},
                "input": {"data": "never"},
                "callback": {"url": "https://hooks.example.com/"},
            },
            "status": {"phase": "Failed", "completionTime": "2026-11-24T12:01:00Z", **status},
        }
    )
