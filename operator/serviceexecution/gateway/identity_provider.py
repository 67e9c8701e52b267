"""The identity provider (OpenID Connect) at which people sign in to the console.

The gateway asks it nothing: the browser does, and the API server judges the tokens that come of it.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from serviceexecution.process.settings import SettingsError, json_object

_VARIABLE: Final = "SX_CONSOLE_OPEN_ID_CONNECT"
_ISSUER: Final = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,=:@%/-]*)?")
"""What the API server takes as an issuer as well: no query, no fragment, no user. The host is also part of a header."""
_WORD: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")
"""A scope as RFC 6749 spells it, and what client ids are made of."""


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """Where people sign in, and as which client of it the console does."""

    issuer: str
    """As the provider's tokens name it, to the letter."""
    client_id: str
    """Of a public client: a page in a browser can keep no secret."""
    scopes: tuple[str, ...]

    @property
    def origin(self) -> str:
        """Return the web origin that the page must be able to ask."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc.lower()}"


def read_identity_provider(text: str) -> IdentityProvider:
    """Return what a JSON object with issuer, clientId and scopes says. Raises SettingsError."""
    given = json_object(_VARIABLE, text)
    unknown = given.keys() - {"issuer", "clientId", "scopes"}
    if unknown:
        raise SettingsError(
            f"{_VARIABLE} has a member {min(unknown)} that is none of issuer, clientId, scopes."
        )
    issuer, client_id, scopes = given.get("issuer"), given.get("clientId"), given.get("scopes", ["openid"])
    if not isinstance(issuer, str) or not _ISSUER.fullmatch(issuer):
        raise SettingsError(f"{_VARIABLE}: issuer must be an address such as https://id.example.com/realm.")
    if not _is_word(client_id):
        raise SettingsError(f"{_VARIABLE}: clientId must be the client's id, a text without spaces.")
    if not isinstance(scopes, list) or not all(map(_is_word, scopes)) or "openid" not in scopes:
        raise SettingsError(f"{_VARIABLE}: scopes must be a list of words, and openid must be among them.")
    return IdentityProvider(issuer, str(client_id), tuple(map(str, scopes)))


def _is_word(value: object) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None
