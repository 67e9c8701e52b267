"""A page of another site, shown in the browser of somebody who runs `sx serve`, sends requests to it."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serviceexecution.local.web_pages import OwnPages

OWN = "http://127.0.0.1:8081"
STRANGERS = (
    "https://evil.example",
    "null",  # Of a page in a sandbox, or one that hides where it comes from
    "http://127.0.0.1.evil.example:8081",
    "http://localhost@evil.example",
    "http://[::1",
    "",
)


def answers(*requests: dict[str, str]) -> list[int]:
    """Post with these headers, and return the statuses; what gets through is 201."""

    async def made(_: Request) -> Response:
        return JSONResponse({}, 201)

    async def run() -> list[int]:
        app = Starlette(routes=[Route("/services/local/plot/", made, methods=["POST"])])
        app.add_middleware(OwnPages)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
            # A Blob without a type is sent without a Content-Type: no browser asks first whether it may
            return [
                (await client.post("/services/local/plot/", headers=headers, content=b"{}")).status_code
                for headers in requests
            ]

    return asyncio.run(run())


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_page_of_another_site_starts_nothing(origin: str) -> None:
    assert answers({"Origin": origin}) == [403]


def test_programs_and_pages_of_this_machine_are_served() -> None:
    assert answers({}, {"Origin": OWN}, {"Origin": "http://localhost:3000"}) == [201, 201, 201]
