"""The gateway's settings, from environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal, Self

from serviceexecution.contract.quantities import QuantityError, parse_quantity
from serviceexecution.process.environment import (
    LogFormat,
    SettingsError,
    integer,
    log_format,
    log_level,
    required,
    text_options,
)

AuthMode = Literal["tokens", "none"]
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """All that a gateway process must be told."""

    store_url: str
    cluster_id: str
    store_options: Mapping[str, str] = field(default_factory=dict)
    port: int = 8080
    metrics_port: int = 9090
    """Metrics have no authentication, so that they are not where strangers come in."""
    log_level: str = "INFO"
    log_format: LogFormat = "json"
    large_uploads: int = 6
    """Uploads above 1 MiB that are received at the same time; each holds up to 24 MiB of memory."""
    small_uploads: int = 64
    upload_queue_seconds: float = 20.0
    """How long an upload waits for its turn before it is told to come back."""
    body_idle_seconds: float = 60.0
    """How long a sender may stay silent in the middle of a body."""
    input_seconds: float = 120.0
    """How long the body of a submit may take in all."""
    public_url: str = ""
    """The gateway's address as clients know it, without a path's slash at its end; empty: as each request says."""
    auth_mode: AuthMode = "tokens"
    """"none" lets everybody do everything: only for trying out on one's own machine."""
    namespaces: tuple[str, ...] = ()
    """Namespaces whose services are served; empty means all."""
    cors_origins: tuple[str, ...] = ()
    """Web origins whose pages may call the Service API; empty means none."""
    trusted_proxies: tuple[Network, ...] = ()
    """Networks of proxies in front of the gateway, whose word on where a request comes from counts."""
    token_seconds: int = 3600
    """How long tokens of the token endpoint are valid; the API server takes no less than 600."""
    submissions: int = 32
    """Bodies of a POST, up to 1 MB each, that are worked on at the same time."""
    source_limit: int = 100 * 1024**2
    """Most bytes of an archive that a service is built from."""
    source_uploads: int = 3
    """Archives above 1 MiB that are received at the same time; each holds up to 24 MiB of memory."""
    source_seconds: float = 1800.0
    """How long an archive may take in all: who sends a byte a minute would keep one of few turns."""
    build_ca_file: str = ""
    """PEM file with further certificates that builds trust; empty means none."""
    shutdown_seconds: int = 20
    """How long running requests may still take after SIGTERM."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from ``SX_*`` variables; raises SettingsError."""
        return cls(
            store_url=required(environment, "SX_STORE_URL"),
            cluster_id=required(environment, "SX_CLUSTER_ID"),
            store_options=text_options(environment, "SX_STORE_OPTIONS"),
            port=integer(environment, "SX_PORT", 8080, most=65535),
            metrics_port=integer(environment, "SX_METRICS_PORT", 9090, most=65535),
            log_level=log_level(environment),
            log_format=log_format(environment),
            public_url=_public_url(environment),
            auth_mode=_auth_mode(environment),
            namespaces=_words(environment, "SX_NAMESPACES"),
            cors_origins=_words(environment, "SX_CORS_ORIGINS"),
            trusted_proxies=_networks(environment, "SX_TRUSTED_PROXIES"),
            token_seconds=integer(environment, "SX_TOKEN_SECONDS", 3600, least=600, most=86400),
            large_uploads=integer(environment, "SX_LARGE_UPLOADS", 6, most=1000),
            source_limit=_source_limit(environment),
            source_uploads=integer(environment, "SX_SOURCE_UPLOADS", 3, most=1000),
            build_ca_file=environment.get("SX_BUILD_CA_FILE", ""),
        )


def _public_url(environment: Mapping[str, str]) -> str:
    url = environment.get("SX_PUBLIC_URL", "").rstrip("/")
    if url and not url.startswith(("http://", "https://")):
        raise SettingsError("SX_PUBLIC_URL must start with http:// or https://.")
    return url


def _source_limit(environment: Mapping[str, str]) -> int:
    try:
        return parse_quantity(environment.get("SX_SOURCE_LIMIT") or "100Mi", field="SX_SOURCE_LIMIT")
    except QuantityError as error:
        raise SettingsError(str(error)) from None


def _auth_mode(environment: Mapping[str, str]) -> AuthMode:
    mode = environment.get("SX_AUTH_MODE") or "tokens"
    if mode == "tokens":
        return "tokens"
    if mode == "none":
        return "none"
    raise SettingsError("SX_AUTH_MODE must be tokens or none.")


def _networks(environment: Mapping[str, str], name: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(word) for word in _words(environment, name))
    except ValueError as error:
        raise SettingsError(f"{name} must be networks such as 10.42.0.0/16: {error}.") from None


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in environment.get(name, "").split(",") if word.strip())
