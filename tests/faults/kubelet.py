"""The Job controller and a kubelet for the API server in memory: pods, their programs, their logs, their collectors.

Whatever happens takes a round; the clock is the test's.
"""

import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import JOBS, PODS
from serviceexecution.resources.names import (
    BUILDER_TOKEN_AUDIENCE,
    COLLECTOR_TOKEN_AUDIENCE,
    LABEL_DEFINITION_UID,
)
from tests.faults.collecting import Ask, Collector
from tests.faults.pods import IMAGE_DIGEST, Pod, Program, line_of, status_of
from tests.faults.processes import Process
from tests.support.api_server.server import ApiServer
from tests.unit.executions.builders import at

_COUNTED: Final = "batch.kubernetes.io/controller-uid"


class Kubelet:
    """State owner of what runs."""

    def __init__(
        self, server: ApiServer, ask: Ask, process: Callable[[str], Process], now: Callable[[], float]
    ) -> None:
        self._server = server
        self._ask = ask
        self._process = process
        self._now = now
        self._directory = tempfile.TemporaryDirectory(prefix="faults-")
        self.program = Program()
        self.pods: dict[str, Pod] = {}
        self.gone: list[Pod] = []
        self.lost: list[Pod] = []
        """Pods that went while they were not through."""
        self.started: Counter[str] = Counter()
        """Programs that were started, by the name of their Job."""
        self.silent = False
        """Whether the node says nothing; what runs goes on."""

    async def step(self) -> None:
        """Let everything go a step further."""
        await self._forget_deleted()
        if self.silent:
            return
        for _, body in list(self._all(JOBS.plural)):
            self._make_pod(body)
        for pod in list(self.pods.values()):
            await self._advance(pod)

    async def close(self) -> None:
        """Let nothing run on."""
        for pod in [*self.pods.values(), *self.gone]:
            if pod.collector is not None:
                await pod.collector.end()
            pod.log_ended.set()
        self._directory.cleanup()

    # Jobs and pods ---------------------------------------------------------------------------------------

    def _all(self, plural: str) -> list[tuple[str, Any]]:
        return [(name, body) for (kind, _, name), body in self._server.objects.items() if kind == plural]

    async def _forget_deleted(self) -> None:
        uids = {body["metadata"]["uid"] for _, body in self._all(PODS.plural)}
        for uid in [uid for uid in self.pods if uid not in uids]:
            pod = self.pods.pop(uid)
            self.gone.append(pod)
            if pod.dead or pod.collector_ended is None:
                self.lost.append(pod)
            pod.log_ended.set()
            if pod.collector is not None:
                await pod.collector.end()

    def lose_node(self) -> None:
        """Let the node of all pods die: Kubernetes says that they are to go, and nobody says that they are gone."""
        for pod in self.pods.values():
            key = PODS.plural, pod.namespace, pod.name
            if pod.dead or key not in self._server.objects:
                continue
            pod.dead = True
            lost: Any = {"type": "DisruptionTarget", "status": "True", "message": "node is not ready"}
            metadata: Any = {"deletionTimestamp": self._stamp(), "finalizers": ["a-kubelet-that-is-gone"]}
            self._server.change(
                PODS, pod.namespace, pod.name, {"metadata": metadata, "status": {"conditions": [lost]}}
            )

    def _make_pod(self, job: Any) -> None:
        metadata, spec = job["metadata"], job["spec"]
        uid, name = metadata["uid"], metadata["name"]
        finished = any(
            c["status"] == "True"
            for c in job.get("status", {}).get("conditions", [])
            if c["type"] != "Suspended"
        )
        if spec.get("suspend") or finished or self._of_job(uid) is not None:
            return
        if "selector" not in spec:
            self._server.change(
                JOBS, metadata["namespace"], name, {"spec": {"selector": {"matchLabels": {_COUNTED: uid}}}}
            )
        if any(pod.job == uid for pod in self.gone):
            self._end_job_of(metadata["namespace"], name, "Failed")  # Its one pod is gone
            return
        template = spec["template"]
        labels = {**template["metadata"].get("labels", {}), _COUNTED: uid}
        body: Any = {
            "metadata": {
                "name": f"{name}-{self._server.version}",
                "namespace": metadata["namespace"],
                "labels": labels,
                "annotations": dict(template["metadata"].get("annotations", {})),
                "ownerReferences": [
                    {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid, "controller": True}
                ],
            },
            "spec": {**template["spec"], "nodeName": "node-1"},
            "status": {"phase": "Pending"},
        }
        made: Any = self._server.put(PODS, body)
        pod_uid = made["metadata"]["uid"]
        directory = Path(self._directory.name) / pod_uid
        (directory / "output").mkdir(parents=True)
        build = LABEL_DEFINITION_UID in labels
        pod = Pod(
            uid=pod_uid,
            job=uid,
            name=made["metadata"]["name"],
            namespace=metadata["namespace"],
            build=build,
            directory=directory,
            token=f"token-{pod_uid}",
        )
        self.pods[pod_uid] = pod
        audience = BUILDER_TOKEN_AUDIENCE if build else COLLECTOR_TOKEN_AUDIENCE
        self._server.tokens[pod.token, audience] = TokenIdentity(
            username=f"system:serviceaccount:{pod.namespace}:default",
            extra={
                "authentication.kubernetes.io/pod-name": (pod.name,),
                "authentication.kubernetes.io/pod-uid": (pod_uid,),
            },
        )
        self._say(pod)

    def _of_job(self, uid: str) -> Any:
        for _, body in self._all(PODS.plural):
            if any(owner["uid"] == uid for owner in body["metadata"]["ownerReferences"]):
                return body
        return None

    async def _advance(self, pod: Pod) -> None:
        body: Any = self._server.objects.get((PODS.plural, pod.namespace, pod.name))
        if body is None or pod.dead:
            return
        stop = body["spec"].get("activeDeadlineSeconds") == 1
        if pod.started is None:
            if stop:
                pod.started = pod.ended = pod.collector_ended = self._now()
                self._finish(pod)
                return
            pod.started = self._now()
            job = body["metadata"]["ownerReferences"][0]["name"]
            self.started[job] += 1
            pod.lines += [line_of(pod, text, self._now()) for text in self.program.lines]
            self._say(pod)
        elif pod.ended is None:
            if stop or self._now() - pod.started >= self.program.seconds:
                pod.stopped = stop
                await self._end_main(pod, 143 if stop else self.program.code)
        elif pod.collector_ended is None:
            await self._collect(pod)
        elif body["status"]["phase"] in {"Succeeded", "Failed"}:
            self._end_job(body)

    async def _end_main(self, pod: Pod, code: int) -> None:
        if pod.build:
            if not pod.reported and not pod.stopped:
                pod.reported = await self._report(pod)
                if not pod.reported:
                    return
            pod.collector_ended = self._now()
        else:
            for path, data in self.program.files.items():
                target = pod.directory / "output" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        pod.ended, pod.code = self._now(), code
        pod.log_ended.set()
        self._say(pod)

    async def _collect(self, pod: Pod) -> None:
        if pod.collector is None or not pod.collector.process.alive:
            if pod.collector is not None:
                await pod.collector.end()

            async def ask(
                method: str, target: str, headers: dict[str, str], data: bytes
            ) -> tuple[int, dict[str, str], bytes]:
                return await self._ask(
                    method, target, {**headers, "Authorization": f"Bearer {pod.token}"}, data
                )

            pod.collector = Collector(
                self._process("collector"), ask, pod.directory, stopped=pod.stopped, now=self._now
            )
        await pod.collector.step()
        if pod.collector.committed is not None:
            pod.collector_ended = self._now()
            self._finish(pod)

    async def _report(self, pod: Pod) -> bool:
        succeeded = self.program.reported == "Succeeded"
        digest = f'"{IMAGE_DIGEST}"' if succeeded else "null"
        text = (
            f'{{"version": 1, "job_uid": "", "succeeded": {str(succeeded).lower()}, '
            f'"reason": "{self.program.reported}", "image_digest": {digest}}}'
        )
        headers = {"Authorization": f"Bearer {pod.token}", "Content-Type": "application/json"}
        try:
            status, _, _ = await self._ask("PUT", "/build/v1/report", headers, text.encode())
        except ConnectionError:
            return False
        return status == 204

    def _finish(self, pod: Pod) -> None:
        if pod.started == pod.ended and not pod.lines:
            pod.log_ended.set()
        self._say(pod)

    def _end_job(self, pod: Any) -> None:
        owner = pod["metadata"]["ownerReferences"][0]
        kind = "Complete" if pod["status"]["phase"] == "Succeeded" else "Failed"
        self._end_job_of(pod["metadata"]["namespace"], owner["name"], kind)

    def _end_job_of(self, namespace: str, name: str, kind: str) -> None:
        condition: Any = {"type": kind, "status": "True", "lastTransitionTime": self._stamp()}
        if (JOBS.plural, namespace, name) in self._server.objects:
            self._server.change(JOBS, namespace, name, {"status": {"conditions": [condition]}})

    # What the node says ----------------------------------------------------------------------------------

    def _say(self, pod: Pod) -> None:
        """Write the pod's status."""
        written: Any = [{"manager": "kubelet", "subresource": "status", "time": self._stamp()}]
        if (PODS.plural, pod.namespace, pod.name) in self._server.objects:
            change: Any = {"metadata": {"managedFields": written}, "status": status_of(pod)}
            self._server.change(PODS, pod.namespace, pod.name, change)

    def _stamp(self) -> str:
        return at(self._now()).strftime("%Y-%m-%dT%H:%M:%SZ")

    @asynccontextmanager
    async def log_lines(
        self,
        namespace: str,
        name: str,
        *,
        follow: bool,
        since_time: datetime | None,
        tail_lines: int | None = None,
        **_: object,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Give a container's log, as the API server does."""
        pod = next(
            (one for one in self.pods.values() if (one.namespace, one.name) == (namespace, name)), None
        )
        if pod is None:
            raise KubernetesError("pod not found", status=404)
        if not pod.lines:
            raise KubernetesError("container is waiting to start", status=400)

        async def chunks() -> AsyncIterator[bytes]:
            lines = pod.lines
            if since_time is not None:
                since = since_time.strftime("%Y-%m-%dT%H:%M:%S").encode()
                lines = [line for line in lines if line[: len(since)] >= since]
            for line in lines if tail_lines is None else lines[-tail_lines:]:
                yield line
            if follow:
                await pod.log_ended.wait()

        yield chunks()
