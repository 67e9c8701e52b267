"""Workers take keys off a queue and reconcile what they name; a failed pass is repeated with backoff."""

import asyncio
import time
from typing import Protocol, TypeVar

import structlog

from serviceexecution.controller.metrics import RECONCILE_SECONDS
from serviceexecution.controller.work.keys import ExecutionKey, PoolKey, ServiceKey
from serviceexecution.controller.work.queue import WorkQueue
from serviceexecution.fairness.payers import namespace_payer, paid_by
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.schemas.errors import CheckerUnavailableError
from serviceexecution.store.errors import StoreError

logger = structlog.stdlib.get_logger()


Key = TypeVar("Key", bound=ExecutionKey | ServiceKey | PoolKey)
Key_contra = TypeVar("Key_contra", bound=ExecutionKey | ServiceKey | PoolKey, contravariant=True)


class Works(Protocol[Key_contra]):
    """What brings one object a step further: an execution, a service or a data pool."""

    async def reconcile(self, key: Key_contra) -> float | None:
        """Return after how many seconds to look again."""
        ...


def namespace_queue(workers: int) -> WorkQueue[Key]:
    """Return a queue in which namespaces take turns; one of them has at most three quarters of the workers."""
    return WorkQueue(owner_of=lambda key: key.namespace, most_per_owner=max(1, workers * 3 // 4))


async def work(queue: WorkQueue[Key], reconciler: Works[Key]) -> None:
    """Work for ever."""
    while True:
        key = await queue.get()
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
            logger.warning("pass failed", **key.fields(), error=str(error), retry_in=pause)
        except asyncio.CancelledError:
            raise
        except Exception:
            pause = queue.retry(key)
            logger.exception("pass failed", **key.fields(), retry_in=pause)
        finally:
            queue.done(key, succeeded=succeeded)
            outcome = "succeeded" if succeeded else "failed"
            RECONCILE_SECONDS.labels(outcome).observe(time.monotonic() - started)
