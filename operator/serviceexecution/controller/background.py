"""Tasks that nobody waits for, such as posting an Event, kept until they are done."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

FINISH_SECONDS: Final = 5.0


@dataclass(slots=True)
class BackgroundTasks:
    """Keeps tasks: asyncio itself forgets those that nobody holds."""

    running: set[asyncio.Task[bool]] = field(default_factory=set)

    def keep(self, task: asyncio.Task[bool]) -> None:
        """Hold a task until it is done."""
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def finish(self) -> None:
        """Wait for those that run, but not for long."""
        if self.running:
            await asyncio.wait(self.running, timeout=FINISH_SECONDS)
