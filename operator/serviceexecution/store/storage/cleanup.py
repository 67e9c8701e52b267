"""Removes what stands in the way of a write, and whole executions, also what listings do not show."""

import asyncio
import contextlib
import shutil

from serviceexecution.store.errors import StoreConflictError, StoreError
from serviceexecution.store.storage.objects import Objects


async def clear_conflicts(objects: Objects, key: str, prefix: str, error: StoreError) -> None:
    """Delete files where ``key`` below ``prefix`` needs directories, and the other way round.

    Object stores have no directories, but some servers of them do, which then say that something is in the way.
    """
    if objects.root is None:
        if isinstance(error, StoreConflictError):
            await _clear_objects(objects, key, prefix)
        return
    try:
        parents = key.removeprefix(f"{prefix}/").split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            parent = "/".join([prefix, *parents[:depth]])
            if await asyncio.to_thread((objects.root / parent).is_file):
                await objects.delete([parent])
        if await asyncio.to_thread((objects.root / key).is_dir):
            await delete_tree(objects, key)
    except StoreError:
        return  # The write's own error says more; the next try comes here again


async def _clear_objects(objects: Objects, key: str, prefix: str) -> None:
    parents = key.removeprefix(f"{prefix}/").split("/")[:-1]
    with contextlib.suppress(StoreError):
        if parents:
            await objects.delete(
                ["/".join([prefix, *parents[:depth]]) for depth in range(1, len(parents) + 1)]
            )
        await delete_tree(objects, key)


async def delete_tree(objects: Objects, prefix: str) -> None:
    """Delete everything below ``prefix``; in a directory store also what an interrupted write left behind."""
    objects.check_may_write()
    if objects.root is None:
        await objects.delete([f"{prefix}/{rest}" for rest in await objects.list(prefix)])
        return
    try:
        await asyncio.to_thread(shutil.rmtree, objects.root / prefix)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"cannot delete {prefix}: {error.strerror}") from error
