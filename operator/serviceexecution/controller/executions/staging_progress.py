"""How far data pools have come into a pod: what the init container that brings them prints about it."""

from typing import Final

import structlog

from serviceexecution.executions.pools.staging import progress_sentence
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.resources.names import STAGE_IN_CONTAINER
from serviceexecution.resources.pods.observed import PodView

logger = structlog.stdlib.get_logger()

_LINES: Final = 5
_MOST_BYTES: Final = 32 * 1024


async def staging_progress(client: KubernetesClient, pod: PodView) -> str:
    """Return how far it has come in a sentence; empty when that cannot be told."""
    namespace, name = pod.metadata.namespace, pod.metadata.name
    text = bytearray()
    try:
        async with client.log_lines(
            namespace, name, container=STAGE_IN_CONTAINER, follow=False, since_time=None, tail_lines=_LINES
        ) as chunks:
            async for chunk in chunks:
                text += chunk
                if len(text) > _MOST_BYTES:
                    break
    except KubernetesError as error:
        logger.info("it is not known how far data pools have come", pod=name, error=str(error))
        return ""
    lines = text.decode(errors="replace").splitlines()
    return progress_sentence("\n".join(line.partition(" ")[2] for line in lines))
