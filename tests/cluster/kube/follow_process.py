"""Follows one log in a process of its own, so that a test can kill it.

Usage: python -m tests.cluster.kube.follow_process STORE_URL NAMESPACE POD POD_UID
"""

import asyncio
import sys

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.logs.manager import LogFollowers
from serviceexecution.logs.target import FollowedContainer
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore


async def follow(url: str, namespace: str, pod: str, uid: str) -> None:
    client = await KubernetesClient.connect(user_agent="serviceexecution-tests")
    done = asyncio.Event()
    followers = LogFollowers(
        client, ResultStore.open(url, "test"), limit_bytes=1 << 30, on_complete=lambda _: done.set()
    )
    followers.ensure(
        ExecutionReference(namespace, pod, uid),
        FollowedContainer(namespace, pod, uid, "main"),
        attempt=1,
        main_terminated=False,
    )
    await done.wait()
    await followers.close()
    await client.close()


if __name__ == "__main__":
    asyncio.run(follow(*sys.argv[1:]))
