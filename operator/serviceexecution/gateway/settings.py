"""The gateway's settings, from environment variables."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from serviceexecution.contract.durations import DurationError, format_duration, parse_duration
from serviceexecution.contract.volume_pods import VOLUME_PORT
from serviceexecution.gateway.accelerators import VARIABLE, Accelerators, read_accelerators
from serviceexecution.gateway.identity_provider import IdentityProvider, read_identity_provider
from serviceexecution.process.settings import (
    ProcessSettings,
    SettingsError,
    size,
    split_words,
    variable,
    whole_number,
    words,
)

AuthMode = Literal["tokens", "none"]
PodsAtApiPort = Literal["always", "direct", "never"]
Network = IPv4Network | IPv6Network


def _public_url(text: str) -> str:
    url = text.rstrip("/")
    if url and not url.startswith(("http://", "https://")):
        raise SettingsError("SX_PUBLIC_URL must start with http:// or https://.")
    return url


def _auth_mode(text: str) -> str:
    if text not in {"tokens", "none"}:
        raise SettingsError("SX_AUTH_MODE must be tokens or none.")
    return text


def _pods_at_api_port(text: str) -> str:
    if text not in {"always", "direct", "never"}:
        raise SettingsError("SX_PODS_AT_API_PORT must be always, direct or never.")
    return text


def _retention(text: str) -> str:
    try:
        return format_duration(parse_duration(text)) if text else ""
    except DurationError as error:
        raise SettingsError(f"SX_INPUT_RETENTION: {error}") from None


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(word) for word in split_words(text))
    except ValueError as error:
        raise SettingsError(f"SX_TRUSTED_PROXIES must be networks such as 10.42.0.0/16: {error}.") from None


class GatewaySettings(ProcessSettings):
    """All that a gateway process must be told."""

    cluster_id: Annotated[str, variable("SX_CLUSTER_ID")]
    """The name of this cluster among those that share a store."""
    port: Annotated[int, whole_number("SX_PORT", most=65535)] = 8080
    """Port of the HTTP interface."""
    gateway_url: Annotated[str, variable("SX_GATEWAY_URL")] = ""
    """The gateways' own Service: who starts while the store is away looks there for another gateway that is ready."""
    installation: Annotated[str, variable("SX_INSTALLATION")] = ""
    """Namespace and name of this installation, with a slash between them: its Lease and its Deployments are shown to
    operators; none: they are not."""
    pods_port: Annotated[int, whole_number("SX_PODS_PORT", most=65535)] = 0
    """Port of what collectors and builds call, where nothing else is served; 0: they call the HTTP interface's."""
    pods_at_api_port: Annotated[PodsAtApiPort, variable("SX_PODS_AT_API_PORT", _pods_at_api_port)] = "always"
    """Whether the HTTP interface's port also takes calls of collectors and builds: always, only direct ones that came
    through no proxy, or never."""
    public_url: Annotated[str, variable("SX_PUBLIC_URL", _public_url)] = ""
    """The gateway's address as clients know it; none: as each request says."""
    auth_mode: Annotated[AuthMode, variable("SX_AUTH_MODE", _auth_mode)] = "tokens"
    """tokens, or none, which lets everybody do everything: only for trying out on one's own machine."""
    token_seconds: Annotated[int, whole_number("SX_TOKEN_SECONDS", least=600, most=86400)] = 3600
    """How long tokens of the token endpoint are valid; the API server takes no less than 600."""
    wait_seconds: Annotated[int, whole_number("SX_WAIT_SECONDS", least=0, most=50)] = 30
    """How long a request may wait for an execution to change, as ``Prefer: wait`` asks for; 0: nothing waits."""
    input_retention: Annotated[str, variable("SX_INPUT_RETENTION", _retention)] = ""
    """How long after its end an execution's input is kept, for services that do not say; none: as long as it is."""
    cors_origins: Annotated[tuple[str, ...], words("SX_CORS_ORIGINS")] = ()
    """Web origins whose pages may call the Service API, with commas between them."""
    console_directory: Annotated[str, variable("SX_CONSOLE_DIRECTORY")] = ""
    """Where the built files of the console are; none: it is not served."""
    console_open_id_connect: Annotated[
        IdentityProvider | None, variable("SX_CONSOLE_OPEN_ID_CONNECT", read_identity_provider)
    ] = None
    """The identity provider at which people sign in to the console, as a JSON object: issuer, clientId, scopes; none:
    they paste an access key or a token."""
    trusted_proxies: Annotated[tuple[Network, ...], variable("SX_TRUSTED_PROXIES", _networks)] = ()
    """Networks of proxies in front of the gateway, whose word on where a request comes from counts."""
    large_uploads: Annotated[int, whole_number("SX_LARGE_UPLOADS", most=1000)] = 6
    """Uploads above 1 MiB that are received at the same time; each holds up to 24 MiB of memory."""
    accelerators: Annotated[Accelerators, variable(VARIABLE, read_accelerators)] = Accelerators()
    """Resources of nodes by the accelerators of the platform's API, as a JSON object such as
    {"NVIDIA_TESLA_T4": "nvidia.com/gpu"}; none: services of that API get no accelerators."""
    source_limit: Annotated[int, size("SX_SOURCE_LIMIT")] = 100 * 1024**2
    """Most bytes of an archive that a service is built from."""
    source_uploads: Annotated[int, whole_number("SX_SOURCE_UPLOADS", most=1000)] = 3
    """Archives above 1 MiB that are received at the same time; each holds up to 24 MiB of memory."""
    pool_uploads: Annotated[int, whole_number("SX_POOL_UPLOADS", most=1000)] = 3
    """Files of data pools above 1 MiB that are received at the same time; each holds up to 24 MiB of memory."""
    pool_file_limit: Annotated[int, size("SX_POOL_FILE_LIMIT")] = 5 * 1024**3
    """Most bytes of a file of a data pool."""
    pool_limit: Annotated[int, size("SX_POOL_LIMIT")] = 50 * 1024**3
    """Most bytes of all files of a data pool."""
    pool_files: Annotated[int, whole_number("SX_POOL_FILES", most=100_000)] = 10_000
    """Most files of a data pool."""
    namespace_pools_limit: Annotated[int, size("SX_NAMESPACE_POOLS_LIMIT")] = 200 * 1024**3
    """Most bytes of all data pools of a namespace."""
    build_ca_file: Annotated[str, variable("SX_BUILD_CA_FILE")] = ""
    """PEM file with further certificates that builds trust."""
    small_uploads: int = 64
    upload_queue_seconds: float = 20.0
    """How long an upload waits for its turn before it is told to come back."""
    volume_port: int = VOLUME_PORT
    """Port of the pods that serve volumes."""
    volume_start_seconds: float = 20.0
    """How long a call for files of a volume waits for such a pod."""
    body_idle_seconds: float = 60.0
    """How long a sender may stay silent in the middle of a body."""
    input_seconds: float = 120.0
    """How long the body of a submit may take in all."""
    submissions: int = 32
    """Bodies of a POST, up to 1 MB each, that are worked on at the same time."""
    source_seconds: float = 1800.0
    """How long an archive may take in all: who sends a byte a minute would keep one of few turns."""
    shutdown_seconds: int = 20
    """How long running requests may still take after SIGTERM."""
