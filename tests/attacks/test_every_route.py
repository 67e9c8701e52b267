"""Every route of the gateway, found by its code: nobody without a token, and nobody without a right, gets an answer."""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import BaseRoute

from serviceexecution.kube.client import TokenIdentity
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import Service

PUBLIC = {
    "/docs",
    "/healthz",
    "/readyz",
    "/oauth/token",
    "/services/{namespace}/{service}/docs",
}
"""Pages and probes that hold nothing of anybody's, and where keys become tokens."""
TOLD = {
    "/platform/{namespace}/authorize": {200},
    "/platform/{namespace}/my/accounts": {200},
    "/platform/{namespace}/my/provider-tokens": {200},
    "/platform/{namespace}/openapi.json": {200},
    "/platform/{namespace}/service-jobs": {400, 403},
    "/platform/{namespace}/subscriptions": {400},
}
"""Who the caller is, and the API's description, whatever one may do. The body says which service it is about."""
PODS = ("/collect/", "/build/")
OF_PODS = {401}
"""Only tokens of the pods' own audiences are good there."""
OF_NOBODY = {"no token": {401}, "a bad token": {401}}
CALLERS = {
    "no token": {"Authorization": ""},
    "a bad token": {"Authorization": "Bearer nobody"},
    "no right": {"Authorization": "Bearer mallory-token"},
}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def paths(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, set[str]]]:
    for route in routes:
        included: Any = getattr(route, "original_router", None)
        if included is not None:
            yield from paths(included.routes)
            continue
        found: Any = route
        methods: set[str] = set(found.methods)
        yield found.path, methods | ({"HEAD"} if "GET" in methods else set())


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    found = Service(tmp_path)
    found.cluster.tokens["mallory-token", None] = TokenIdentity("mallory")
    yield found
    await found.schemas.close()


def address(path: str, execution: str) -> str:
    filled = path.replace("{namespace}", NAMESPACE).replace("{service}", SERVICE)
    filled = re.sub(r"\{(api_id|name)\}", execution, filled)
    return re.sub(r"\{[^}]*\}", UNKNOWN, filled)


async def test_no_route_answers_without_a_token_or_without_a_right(service: Service) -> None:
    execution = await service.started()

    async def denied(identity: TokenIdentity, **_: object) -> bool:
        return identity.username != "mallory"

    service.cluster.review_access = denied  # type: ignore[method-assign]
    wrong = []
    for path, methods in paths(service.app.routes):
        expected = OF_NOBODY | {"no right": TOLD.get(path, OF_PODS if path.startswith(PODS) else {403, 404})}
        for method, (who, headers) in product(sorted(methods), CALLERS.items()):
            if path in PUBLIC:
                continue
            answer = await service.http.request(method, address(path, execution), headers=headers)
            kind = answer.headers["content-type"]
            if answer.status_code not in expected[who] or (
                answer.status_code >= 400 and kind != "application/problem+json"
            ):
                wrong.append((method, path, who, answer.status_code, kind, answer.text[:100]))
    assert wrong == []
    assert len(list(paths(service.app.routes))) > 80
