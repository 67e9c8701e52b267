"""The attacker as a process of its own, which says how much it has sent."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.floods.attacks import Attacker, Tally
from benchmarks.floods.plans import attack_of
from benchmarks.floods.processor import seconds_of
from benchmarks.floods.stage import Tenant

_LEAD_SECONDS: Final = 2.0
"""The attack is under way for so long before the witness begins."""
_SESSION: Final = Path("/proc/self/autogroup")
_NICEST: Final = "19"
_LOOKS: Final = 300
_LOOK_SECONDS: Final = 0.1


class AttackEndedError(Exception):
    """The attack has ended by itself."""


class Attacking:
    """An attack that goes on."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self._name = name
        self._process = process

    async def tally(self) -> Tally:
        """Return what was sent and answered so far; raises AttackEndedError."""
        asking, telling = self._process.stdin, self._process.stdout
        assert asking is not None and telling is not None  # noqa: S101, PT018 - pipes
        with contextlib.suppress(ConnectionError):
            asking.write(b"\n")
            await asking.drain()
        line = await telling.readline()
        if not line:
            raise AttackEndedError(f"{self._name!r} has ended by itself")
        return Tally(**json.loads(line))

    def processor_seconds(self) -> float:
        """Return the attacker's own CPU seconds so far."""
        return seconds_of(self._process.pid)


@contextlib.asynccontextmanager
async def attacking(name: str, attacker: Attacker) -> AsyncGenerator[Attacking, None]:
    """Attack until the block ends; it begins when the attack has been under way for some seconds."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.floods", "--attack", name),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None  # noqa: S101 - a pipe
        facts = asdict(attacker)
        del facts["tally"]
        process.stdin.write(json.dumps(facts).encode() + b"\n")
        found = Attacking(name, process)
        for _ in range(_LOOKS):
            if (await found.tally()).sent:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        await asyncio.sleep(_LEAD_SECONDS)
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def attack(name: str) -> int:
    """Be the attacker: read who one is from standard input, then answer each line with the tally."""
    _give_way()
    asyncio.run(_attack(name))
    return 0


def _give_way() -> None:
    """Get what processors the others leave, as if it were another machine.

    An attacker who takes the processors of the witness and of the API server itself would show nothing about the
    gateway. Where Linux divides processors between sessions first, what counts is the session's own niceness.
    """
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with contextlib.suppress(OSError):
        _SESSION.write_text(_NICEST)


async def _attack(name: str) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    facts = json.loads(await reader.readline())
    attacker = Attacker(**{**facts, "tenant": Tenant(**facts["tenant"])})
    attacking = asyncio.ensure_future(attack_of(name)(attacker))

    async def tell() -> None:
        while await reader.readline():
            print(json.dumps(asdict(attacker.tally)), flush=True)

    telling = asyncio.ensure_future(tell())
    await asyncio.wait((attacking, telling), return_when=asyncio.FIRST_COMPLETED)
    if attacking.done():
        attacking.result()  # Its traceback is all that tells why
    for task in (attacking, telling):
        task.cancel()
    await asyncio.gather(attacking, telling, return_exceptions=True)
