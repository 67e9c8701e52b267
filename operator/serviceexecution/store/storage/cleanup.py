"""Removes what stands in the way of a write, and whole executions, also what listings do not show."""

import asyncio
import shutil

from serviceexecution.store.errors import StoreError
from serviceexecution.store.storage.objects import Objects


async def clear_conflicts(objects: Objects, key: str, prefix: str) -> None:
    """In a directory store, delete files where ``key`` below ``prefix`` needs directories, and the other way
    round. An object store has no directories, so nothing is in the way there."""
    if objects.root is None:
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
