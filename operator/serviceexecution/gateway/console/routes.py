"""``/console``: a page, and the files that it loads. They say nothing of any service: everybody may read them."""

import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.console.bundle import NONCE_PLACE, Bundle, read_bundle
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.identity_provider import IdentityProvider
from serviceexecution.gateway.settings import GatewaySettings

logger = structlog.stdlib.get_logger()
PATH: Final = "/console"
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_FOREVER: Final = "public, max-age=31536000, immutable"


def console_router(settings: GatewaySettings) -> APIRouter:
    """Return the routes, none when the console is off or was not built into this image."""
    router = APIRouter(redirect_slashes=False)
    if not settings.console_directory:
        return router
    try:
        bundle = read_bundle(Path(settings.console_directory))
    except OSError as error:
        logger.warning("no console is served", directory=settings.console_directory, error=str(error))
        return router
    _add_routes(router, bundle, _session(settings), settings.console_open_id_connect)
    return router


def _session(settings: GatewaySettings) -> JsonObject:
    """Return what the page asks for before anybody has signed in."""
    session: JsonObject = {"signedIn": settings.auth_mode == "none"}
    provider = settings.console_open_id_connect
    if provider is not None:
        session["openIdConnect"] = {
            "issuer": provider.issuer,
            "clientId": provider.client_id,
            "scopes": list(provider.scopes),
        }
    return session


def _add_routes(
    router: APIRouter, bundle: Bundle, session: JsonObject, provider: IdentityProvider | None
) -> None:
    @router.get(PATH)
    async def to_folder() -> Response:
        # A relative address leads to the same place behind proxies that add a prefix
        return RedirectResponse("console/", HTTPStatus.TEMPORARY_REDIRECT, headers=_HEADERS)

    @router.get(f"{PATH}/")
    async def get_page() -> Response:
        nonce = secrets.token_urlsafe(18)
        headers = {
            **_HEADERS,
            "Cache-Control": "no-cache",
            "Content-Security-Policy": content_policy(nonce, provider),
        }
        return HTMLResponse(bundle.index.replace(NONCE_PLACE, nonce), headers=headers)

    @router.get(f"{PATH}/session.json")
    async def get_session() -> Response:
        """Tell whether requests need no credential, and where people sign in; ``sx console`` answers for itself."""
        return JSONResponse(session, headers={**_HEADERS, "Cache-Control": "no-store"})

    @router.get(f"{PATH}/assets/{{name}}")
    async def get_asset(request: Request, name: str) -> Response:
        asset = bundle.assets.get(name)
        if asset is None:
            raise Problem(
                HTTPStatus.NOT_FOUND, "FileNotFound", "The console has no such file; load it again."
            )
        headers = {**_HEADERS, "Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
        path = asset.path
        if asset.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            path = asset.compressed
            headers["Content-Encoding"] = "gzip"
        return FileResponse(path, media_type=asset.media_type, headers=headers)


def content_policy(nonce: str, provider: IdentityProvider | None) -> str:
    """Return a policy under which only the console's own files run, and nothing reaches another origin.

    Where people sign in at an identity provider, the page may also ask that one's origin: it answers with their token.

    The nonce is for the few style elements that the component library makes; images may also be made by the page, for
    results are fetched with a token. What is shown in a frame inherits all of it.
    """
    asked = "'self'" if provider is None else f"'self' {provider.origin}"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src {asked}; "
        "img-src 'self' blob: data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
