"""Runs the demo and says how it went by its exit code."""

import asyncio
import logging
import sys

from rich.console import Console

from demo.errors import DemoError
from demo.objects import explain
from demo.screen import Screen
from demo.story import tell
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError


async def run(screen: Screen) -> None:
    """Run the demo; raises DemoError."""
    try:
        client = await KubernetesClient.connect(user_agent="serviceexecution-demo")
        try:
            await tell(client, screen)
        finally:
            await client.close()
    except KubernetesError as error:
        raise explain(error) from error


def main() -> int:
    """Run the command; returns its exit code."""
    logging.disable(logging.WARNING)  # A broken watch heals itself, and its warning would garble the story
    screen = Screen(Console(highlight=False, emoji=False, markup=False))
    try:
        asyncio.run(run(screen))
    except DemoError as error:
        screen.failure(str(error))
        return 1
    except KeyboardInterrupt:
        screen.failure("Interrupted.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
