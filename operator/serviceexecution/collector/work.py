"""The collector's course: wait, pass, commit; after SIGTERM a pass at once and one more at the end."""

from __future__ import annotations

import json
import time

from .collect import Collection
from .gateway_client import AlreadyCommittedError, GatewayClient, GaveUpError, GoneError, MismatchError
from .log import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from .settings import Settings
    from .stop import Stop
    from .watch import MainWatcher

_MAX_TERMINATION_BYTES: Final = 4096


def work(settings: Settings, watcher: MainWatcher, gateway: GatewayClient, stop: Stop) -> bool:
    """Collect and commit; returns False when that was not possible in time."""
    collection = Collection(settings, gateway)
    watcher.wait()
    started = time.monotonic()
    try:
        if stop.requested_at is not None:
            gateway.deadline = stop.requested_at + settings.cancel_grace
            try:
                collection.run_pass(final=False)
            except (GaveUpError, GoneError) as error:
                log("the first pass was cut short", why=str(error))
            watcher.wait(through_stop=True)
        watcher.meter.end()
        collection.usage = watcher.meter.facts()
        gateway.deadline = time.monotonic() + settings.collect_timeout
        collection.run_pass(final=True)
        if settings.writable_pools:
            from .pools.write_back import write_back_all  # noqa: PLC0415 - it costs memory in every pod

            collection.data_pools = write_back_all(settings, gateway.deadline)
        collection.commit()
    except (AlreadyCommittedError, GoneError) as error:
        log("nothing to do", why=str(error))
        _leave_word(settings, {"committed": isinstance(error, AlreadyCommittedError)})
        return True
    except (GaveUpError, MismatchError) as error:
        log("gave up", why=str(error))
        _leave_word(settings, {"committed": False, "why": str(error)[:1000]})
        return False
    facts: dict[str, object] = {
        "files": collection.file_count,
        "bytes": collection.total_bytes,
        "skipped": collection.skipped_count,
        "limitExceeded": collection.limit_exceeded,
        **({"dataPools": len(collection.data_pools)} if settings.writable_pools else {}),
        "seconds": round(time.monotonic() - started, 3),
    }
    log("committed", **facts)
    _leave_word(settings, {"committed": True, **facts})
    return True


def _leave_word(settings: Settings, facts: dict[str, object]) -> None:
    """Write the termination message: a hint for people, nothing depends on it."""
    try:
        with open(settings.termination_log, "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(json.dumps(facts)[:_MAX_TERMINATION_BYTES])
    except OSError:
        return
