"""From the options of ``sx run`` to the body of a request: the service's schema, typed properties, secrets, tags."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from serviceexecution.cli.cluster.api import ApiError
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.run.body import missing_secrets, read_data, read_secrets, request_body
from serviceexecution.cli.run.properties import Property, check_required, read_properties, with_properties
from serviceexecution.cli.run.schema import Schema, input_schema
from serviceexecution.cli.session import Session
from serviceexecution.contract.json_text import JsonTextError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says of the input."""

    data: str = ""
    properties: Sequence[str] = field(default=())
    secrets: Sequence[str] = field(default=())
    tags: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Prepared:
    """An input with all that goes with it."""

    text: str
    secrets: dict[str, str]
    tags: tuple[str, ...]
    schema: Schema

    @property
    def body(self) -> bytes:
        """Return the body of the request; raises CommandError."""
        return request_body(self.text, self.secrets, self.tags)


def service_schema(session: Session, service: str) -> Schema:
    """Return the schema of a service's input, that of anything when there is none or it may not be read."""
    try:
        found = session.api.get(SERVICE_DEFINITIONS, session.namespace, service)
    except ApiError as error:
        if error.status != 403:
            raise
        found = None
    return Schema.of(None if found is None else input_schema(found))


def prepare(session: Session, service: str, given: Given) -> Prepared:
    """Return the input of an execution; raises CommandError that names the property."""
    text, secrets = read_data(given.data), read_secrets(given.secrets)
    if given.data and not given.properties:
        return Prepared(text, secrets, tuple(given.tags), Schema.of(None))
    schema = service_schema(session, service)
    properties: list[Property] = read_properties(given.properties, schema)
    try:
        text = with_properties(text, properties) if properties else text
        secrets |= missing_secrets(schema.secrets, secrets, text)
    except JsonTextError as error:
        raise CommandError(f"-d: the input must be one JSON object: {error}") from None
    if properties:
        check_required(text, schema)
    return Prepared(text, secrets, tuple(given.tags), schema)
