"""The platform's client in a process of its own, and what happens in the cluster meanwhile."""

import httpx
import pytest

from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.store.records import UsagePoint, UsageSeries
from tests.support.sdk.process import RemoteError
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import JSON

FINAL = {"startTime": "2026-11-28T12:00:00Z", "completionTime": "2026-11-28T12:00:05Z", "attempts": 1}
UNKNOWN = "00000000-0000-4000-8000-000000000000"
LINE = "2026-11-23T14:18:55.645123456Z "


class Platform:
    """A client, and shorthands for what happens in the cluster meanwhile."""

    def __init__(self, sdk, gateway, *, token="alice-token", asynchronous=False, **more):  # noqa: S107
        self.gateway = gateway
        self.service = gateway.service
        name = "AsyncHubPlatformClient" if asynchronous else "HubPlatformClient"
        make = getattr(sdk.module("qhub.api.platform"), name)
        self.client = make(**{"base_url": gateway.base, "api_key": token, "max_retries": 0, **more})

    @property
    def service_id(self):
        """Return the id of the service that there is."""
        return self.service.cluster.objects["servicedefinitions", NAMESPACE, SERVICE]["metadata"]["uid"]

    def inputs(self, name):
        """Return the files of an execution's input."""
        return self.service.cluster.objects["configmaps", NAMESPACE, name]["data"]

    def get(self, path, token="alice-token"):  # noqa: S107
        """Call the gateway at a path of its own."""
        url = self.gateway.base.partition("/platform/")[0] + path
        return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)

    def post(self, path, body=None, *, token="alice-token", headers=None):  # noqa: S107
        """Send JSON to the gateway, or nothing."""
        url = self.gateway.base.partition("/platform/")[0] + path
        sent = {"Authorization": f"Bearer {token}"} | (headers or {})
        return httpx.post(url, json=body, headers=sent, trust_env=False)

    def submit(self, body=b"{}", **headers):
        async def post():
            return await self.service.started(body=body, headers=JSON | headers)

        return self.gateway.run(post())

    def define(self, name, **spec):
        """Make a service and return its id."""

        async def define():
            return self.service.cluster.define(name, **spec)["metadata"]["uid"]

        return self.gateway.run(define())

    def end(self, name, files=None, printed=None, phase="Succeeded", **status):
        async def finish():
            reference = self.service.finish(name, phase, **{**FINAL, **status})
            await self.service.keep(reference, files or {}, printed)

        self.gateway.run(finish())

    def log(self, name, *lines):
        async def write():
            known = await self.service.state.execution(NAMESPACE, SERVICE, name)
            data = "".join(f"{LINE}{line}\n" for line in lines).encode()
            await self.service.store.logs.of(known.reference, 1).write(1, data)

        self.gateway.run(write())

    def used(self, name, *, started_at, points):
        """Keep what the execution has used over time, with a limit of two cores."""

        async def write():
            known = await self.service.state.execution(NAMESPACE, SERVICE, name)
            told = tuple(
                UsagePoint(time=t, cpu_seconds=cpu, memory_bytes=memory) for t, cpu, memory in points
            )
            series = UsageSeries(pod_uid="p", started_at=started_at, cpu_limit=2.0, points=told)
            await self.service.store.usage.write_series(known.reference, series)

        self.gateway.run(write())

    def execution(self, name, service=SERVICE, created="2026-11-01T10:00:00Z", **parts):
        """Make an execution of a given age, as somebody else would."""

        async def seed():
            metadata = {"creationTimestamp": created, **parts.pop("metadata", {})}
            spec = {"serviceRef": {"name": service}, **parts.pop("spec", {})}
            self.service.cluster.seed(
                SERVICE_EXECUTIONS, NAMESPACE, name, metadata=metadata, spec=spec, **parts
            )
            self.service.state.note(self.service.cluster.objects["serviceexecutions", NAMESPACE, name])

        self.gateway.run(seed())


def refused(kind, call, *arguments, status=None, code=None, **named):
    with pytest.raises(RemoteError) as caught:
        call(*arguments, **named)
    error = caught.value
    assert error.kinds[0] == kind, error
    body = error.members["body"]
    assert body["detail"], body
    assert status in {None, error.members["status_code"]}
    assert code in {None, body["code"]}, body
    return body
