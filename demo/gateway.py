"""Reading the kept log and files through the gateway, as any user would: kubectl port-forward and a token."""

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import aiohttp

from demo.errors import DemoError, within
from demo.samples import NAMESPACE

OPERATOR_NAMESPACE: Final = "serviceexecution-system"
SERVICE: Final = "serviceexecution-gateway"
_FORWARDING: Final = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True)
class Gateway:
    """A session with the gateway, for the executions of the demo's namespace."""

    session: aiohttp.ClientSession
    url: str

    async def read(self, execution: str, what: str) -> bytes:
        """Return what the gateway keeps: ``log``, or ``files/<path>``; raises DemoError."""
        url = f"{self.url}/api/v1/namespaces/{NAMESPACE}/executions/{execution}/{quote(what)}"
        try:
            async with self.session.get(url) as answer:
                body = await answer.read()
        except aiohttp.ClientError as error:
            raise DemoError(f"The gateway did not answer: {error}") from error
        if answer.status != 200:
            raise DemoError(f"The gateway answered {answer.status}: {body.decode(errors='replace')[:500]}")
        return body


def find_kubectl() -> str:
    """Return kubectl's path; raises DemoError."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise DemoError('kubectl is not in PATH: run eval "$(make -s env)" first.')
    return kubectl


@asynccontextmanager
async def open_gateway(account: str) -> AsyncIterator[Gateway]:
    """Forward a free local port to the gateway and read as ``account``; raises DemoError."""
    kubectl = find_kubectl()
    token = await _token(kubectl, account)
    command = (kubectl, "port-forward", "--namespace", OPERATOR_NAMESPACE, f"service/{SERVICE}", ":http")
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with within(60, "kubectl port-forward did not reach the gateway"):
            port = await _forwarded_port(process)
        headers = {"Authorization": f"Bearer {token}"}
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            yield Gateway(session, f"http://127.0.0.1:{port}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _token(kubectl: str, account: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(kubectl, "create", "token", account, "--namespace", NAMESPACE, "--duration", "10m"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with within(60, "kubectl create token did not end"):
        output, errors = await process.communicate()
    if process.returncode != 0:
        raise DemoError(f"kubectl create token failed: {errors.decode(errors='replace').strip()}")
    return output.decode().strip()


async def _forwarded_port(process: asyncio.subprocess.Process) -> int:
    said: list[str] = []
    if process.stdout is not None:
        async for line in process.stdout:
            said.append(line.decode(errors="replace").strip())
            if (found := forwarded_port(said[-1])) is not None:
                return found
    raise DemoError(f"kubectl port-forward ended: {' '.join(said) or 'it said nothing'}")


def forwarded_port(line: str) -> int | None:
    """Return the local port that a line of kubectl port-forward tells."""
    found = _FORWARDING.search(line)
    return int(found[1]) if found else None
