"""The container whose log is followed, and where its log ends."""

import asyncio
import enum
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import ValidationError

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import PODS
from serviceexecution.logs.lines import MAX_LINE_BYTES, LineSplitter, last_line, seconds_between, stamp_of
from serviceexecution.logs.pod_state import ContainerState, container_state
from serviceexecution.logs.timing import FollowerTiming
from serviceexecution.resources.pods.observed import PodView

logger = structlog.stdlib.get_logger()

PIECE_BYTES: Final = 4096
"""Less than the pieces (usually 16 KiB) that a container runtime cuts long lines into."""
_SOON_SECONDS: Final = 5.0
"""Standard output and error are stamped apart, so that a line can stand behind a later one by a little."""


@dataclass(frozen=True, slots=True)
class FollowedContainer:
    """Which container of which pod."""

    namespace: str
    pod_name: str
    pod_uid: str
    container: str


async def newest_line(client: KubernetesClient, target: FollowedContainer) -> bytes:
    """Return the last line of the container's log as the kubelet has it now, b"" when there is none.

    Cheap: the kubelet reads from the end. Only the end of a line longer than 16 KiB comes. Raises KubernetesError.
    """
    splitter = LineSplitter()
    newest = b""
    async with client.log_lines(
        target.namespace,
        target.pod_name,
        container=target.container,
        follow=False,
        since_time=None,
        tail_lines=2,
    ) as chunks:
        async for chunk in chunks:
            newest = last_line(splitter.feed(chunk)) or newest
    return splitter.rest or newest


async def newest_beside(client: KubernetesClient, target: FollowedContainer, line: bytes) -> bytes:
    """Return the kubelet's last line when the newest file also holds ``line``, b"" when it does not or is not read."""
    stamp = stamp_of(line)
    if stamp is None:
        return b""
    splitter = LineSplitter(PIECE_BYTES)
    found = line.partition(b" ")[0] + b" "
    try:
        newest = await newest_line(client, target)
        async with client.log_lines(
            target.namespace,
            target.pod_name,
            container=target.container,
            follow=False,
            since_time=stamp[0],
            tail_lines=None,
        ) as chunks:
            async for chunk in chunks:
                block = b"\n" + splitter.feed(chunk)
                if b"\n" + found in block or block.endswith(b"\n" + found.rstrip() + b"\n"):
                    return newest
                if seconds_between(line, last_line(block)) > _SOON_SECONDS:
                    return b""
    except KubernetesError:
        return b""
    return b""


async def ask_state(
    client: KubernetesClient, target: FollowedContainer, timing: FollowerTiming
) -> ContainerState:
    """Return the container's state by the pod, asked until there is an answer."""
    backoff = timing.first_backoff
    while True:
        try:
            body = await client.get(PODS, target.namespace, target.pod_name)
            pod = None if body is None else PodView.model_validate(body)
        except (KubernetesError, ValidationError) as error:
            logger.info("pod not read", namespace=target.namespace, pod=target.pod_name, error=str(error))
        else:
            return container_state(pod, target.pod_uid, target.container)
        await asyncio.sleep(backoff)
        backoff = min(backoff * 2, timing.last_backoff)


class LogEnd(enum.Enum):
    """How the last line that we know compares with the last line that there is."""

    KNOWN = "known"
    MORE = "more"
    UNSURE = "unsure"


def compare_end(newest: bytes, known: bytes) -> LogEnd:
    """Compare the kubelet's newest line with ours. Pure.

    Of a long line the kubelet gives only the last two pieces, with the time of the first of them.
    """
    if newest == known:
        return LogEnd.KNOWN
    text = newest.partition(b" ")[2]
    if len(text) > PIECE_BYTES and known.endswith(text):
        return LogEnd.KNOWN
    theirs, ours = stamp_of(newest), stamp_of(known)
    if theirs is None or len(known) >= MAX_LINE_BYTES:
        return LogEnd.UNSURE  # A new and empty file, or words of the kubelet's, or a line that we cut
    return LogEnd.MORE if ours is None or theirs > ours else LogEnd.UNSURE
