"""The body of a POST to the Service API: properties, secrets and tags, told apart without parsing values anew.

Source: the runtime interface (``$secrets``, data pools) and what newer clients send (``$tags``, a data pool's
``grant``). An empty body is an empty input: one of the real clients sends none for ``{}``.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from serviceexecution.contract.input.data_pools import DATA_POOL_REFERENCE, find_data_pools
from serviceexecution.contract.input.input_files import InputParts, input_members, parts_of_members
from serviceexecution.contract.input.input_text import INPUT_LIMIT
from serviceexecution.contract.input.secret_names import check_secret_names, check_secret_value
from serviceexecution.contract.json_text import joined, skim
from serviceexecution.contract.problems import InputError
from serviceexecution.contract.quoting import quoted

BODY: Final = "$"
SECRETS_PROPERTY: Final = "$secrets"
MAX_SECRETS: Final = 64
MAX_TAGS: Final = 64
MAX_TAG_LENGTH: Final = 256


class InputTooLargeError(InputError):
    """The body is larger than an input by value may be."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What a request asks to run with. ``secrets``' values are in no message and no representation."""

    properties: Mapping[str, str]
    """Name → JSON text, exactly as it came; a data pool as its reference alone, without a ``grant``."""
    secrets: "SecretValues"
    tags: tuple[str, ...] = ()
    to_modify: frozenset[str] = frozenset()
    """Properties whose data pools the program is to modify."""


class SecretValues(dict[str, str]):
    """Name → value; shows only the names."""

    @override
    def __repr__(self) -> str:
        """Return the names."""
        return f"SecretValues({sorted(self)})"


def parse_submission(body: bytes, *, limit: int = INPUT_LIMIT) -> Submission:
    """Return what the body asks for; raises ``InputError``, ``InputTooLargeError`` above ``limit`` bytes.

    No message holds a value, since values may be secrets.
    """
    if len(body) > limit:
        raise InputTooLargeError(BODY, too_large(limit))
    if not body.strip():
        return Submission({}, SecretValues())
    found = input_members(body, field=BODY)
    secrets = _secrets([text for name, text in found if name == SECRETS_PROPERTY])
    parts = parts_of_members([member for member in found if member[0] != SECRETS_PROPERTY], field=BODY)
    _check_tags(parts)
    pools = find_data_pools(parts.properties, field=BODY)
    properties = {
        name: _reference(pools[name].id) if name in pools else text for name, text in parts.properties.items()
    }
    to_modify = frozenset(name for name, pool in pools.items() if pool.to_modify)
    return Submission(properties, secrets, parts.tags, to_modify)


def too_large(limit: int) -> str:
    """Return the sentence for a body above ``limit`` bytes."""
    return f"An input may have {limit:,} bytes. Put larger data into a data pool."


def input_text(properties: Mapping[str, str]) -> str:
    """Return the JSON object that the properties (name → JSON text) are the members of."""
    return joined(properties)


def _reference(identifier: str) -> str:
    return json.dumps({"id": identifier, "ref": DATA_POOL_REFERENCE}, ensure_ascii=False)


def _secrets(texts: Iterable[str]) -> SecretValues:
    path = f"{BODY}[{quoted(SECRETS_PROPERTY)}]"
    text = next(iter(texts), "null")
    value = skim(text)
    if value is None:
        return SecretValues()
    if not isinstance(value, dict):
        raise InputError(path, '$secrets must be an object of texts, such as {"api_token": "…"}.')
    values = SecretValues()
    for name, secret in value.items():
        if not isinstance(secret, str):
            raise InputError(
                f"{path}[{quoted(name)}]",
                f"The secret {quoted(name)} must be a text; write other values as JSON text.",
            )
        try:
            secret.encode()
        except UnicodeEncodeError:
            raise InputError(
                f"{path}[{quoted(name)}]", f"The secret {quoted(name)} holds half a surrogate pair."
            ) from None
        values[name] = secret
    if len(values) > MAX_SECRETS:
        raise InputError(path, f"There are {len(values)} secrets, the most is {MAX_SECRETS}.")
    problems = [
        *check_secret_names(values, field=path),
        *(problem for name in values if (problem := check_secret_value(name, values[name], field=path))),
    ]
    for problem in problems:
        raise InputError(problem.path, problem.message)
    return values


def _check_tags(parts: InputParts) -> None:
    path = f'{BODY}["$tags"]'
    if len(parts.tags) > MAX_TAGS:
        raise InputError(path, f"There are {len(parts.tags)} tags, the most is {MAX_TAGS}.")
    if any(len(tag) > MAX_TAG_LENGTH for tag in parts.tags):
        raise InputError(path, f"A tag is longer than {MAX_TAG_LENGTH} characters; shorten it.")
