"""How the tools are told about registries: mirrors, plain HTTP, unverified TLS. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from serviceexecution.builder.request import Registry


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """The request's registries, and by host which of the insecure ones speak plain HTTP (else TLS unverified)."""

    registry: Registry
    plain_http: Mapping[str, bool]


def buildkitd_configuration(access: RegistryAccess) -> str:
    """Return buildkitd.toml. One of ``http`` and ``insecure`` only: with both, BuildKit tries both ways and reports
    the error of the wrong one."""
    lines = []
    hosts = dict.fromkeys([*access.registry.mirrors, *access.plain_http])
    for host in hosts:
        lines.append(f"[registry.{_quoted(host)}]")
        if host in access.registry.mirrors:
            lines.append(f"mirrors = [{_quoted(access.registry.mirrors[host])}]")
        if host in access.plain_http:
            lines.append("http = true" if access.plain_http[host] else "insecure = true")
    return "\n".join(lines) + "\n"


def registries_configuration(access: RegistryAccess) -> str:
    """Return registries.conf for buildah. ``insecure`` there means TLS unverified, and plain HTTP after that."""
    lines = ['unqualified-search-registries = ["docker.io"]', 'short-name-mode = "permissive"']
    for host in dict.fromkeys([*access.registry.mirrors, *access.plain_http]):
        lines += ["[[registry]]", f"location = {_quoted(host)}"]
        if host in access.plain_http:
            lines.append("insecure = true")
        if host in access.registry.mirrors:
            mirror = access.registry.mirrors[host]
            lines += ["[[registry.mirror]]", f"location = {_quoted(mirror)}"]
            if mirror.partition("/")[0] in access.plain_http:
                lines.append("insecure = true")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text)
