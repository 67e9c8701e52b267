"""Workers take executions off the queue and reconcile them; a failed pass is repeated with backoff."""

import asyncio
import time
from typing import Protocol

import structlog

from serviceexecution.controller.keys import ExecutionKey
from serviceexecution.controller.metrics import QUEUE_LENGTH, RECONCILE_SECONDS
from serviceexecution.controller.queue import WorkQueue
from serviceexecution.fairness.payers import namespace_payer, paid_by
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.schemas.errors import CheckerUnavailableError
from serviceexecution.store.errors import StoreError

logger = structlog.stdlib.get_logger()


class Works(Protocol):
    """What brings one object a step further: executions, or definitions."""

    async def reconcile(self, key: ExecutionKey) -> float | None:
        """Return after how many seconds to look again."""
        ...


async def work(queue: WorkQueue[ExecutionKey], reconciler: Works) -> None:
    """Work for ever."""
    while True:
        key = await queue.get()
        QUEUE_LENGTH.set(len(queue))
        started = time.monotonic()
        succeeded = False
        try:
            with paid_by(namespace_payer(key.namespace)):
                wake_after = await reconciler.reconcile(key)
            succeeded = True
            if wake_after is not None:
                queue.add_after(key, wake_after)
        except (KubernetesError, StoreError, CheckerUnavailableError) as error:
            pause = queue.retry(key)
            _complain(key, pause, error)
        except asyncio.CancelledError:
            raise
        except Exception:
            pause = queue.retry(key)
            logger.exception("pass failed", namespace=key.namespace, execution=key.name, retry_in=pause)
        finally:
            queue.done(key, succeeded=succeeded)
            outcome = "succeeded" if succeeded else "failed"
            RECONCILE_SECONDS.labels(outcome).observe(time.monotonic() - started)


def _complain(key: ExecutionKey, pause: float, error: Exception) -> None:
    logger.warning(
        "pass failed", namespace=key.namespace, execution=key.name, error=str(error), retry_in=pause
    )
