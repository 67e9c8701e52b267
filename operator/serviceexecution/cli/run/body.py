"""The input that a command line gives, as the body of a POST: the user's JSON character by character, and secrets."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.json_text import JsonTextError, members, skim

SECRETS: Final = "$secrets"
TAGS: Final = "$tags"


def read_data(data: str) -> str:
    """Return the JSON text that ``-d`` names: ``@file``, ``-`` for standard input, or the text; "" is ``{}``.

    Raises CommandError.
    """
    if not data:
        return "{}"
    try:
        if data == "-":
            return sys.stdin.buffer.read().decode()
        if data.startswith("@"):
            return Path(data[1:]).expanduser().read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CommandError("-d: the input is not UTF-8 text.") from None
    except OSError as error:
        raise CommandError(f"-d: {data[1:]} cannot be read: {error.strerror}.") from None
    return data


def read_secrets(options: Iterable[str]) -> dict[str, str]:
    """Return the secrets of ``--secret name=value`` and ``--secret name=@file``; raises CommandError, without values.

    One line break at a file's end is no part of the secret.
    """
    secrets: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not name:
            raise CommandError("--secret must be NAME=VALUE or NAME=@FILE.")
        if value.startswith("@"):
            try:
                value = Path(value[1:]).expanduser().read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise CommandError(f"--secret {name}: the file cannot be read as text.") from None
            value = value.removesuffix("\n").removesuffix("\r")
        secrets[name] = value
    return secrets


def request_body(text: str, secrets: Mapping[str, str], tags: Iterable[str]) -> bytes:
    """Return the body: ``text`` with secrets and tags added to its ``$secrets`` and ``$tags``; raises CommandError."""
    try:
        found = [(name, value) for name, value, _ in members(text)]
    except JsonTextError as error:
        raise CommandError(f"-d: the input must be one JSON object: {error}") from None
    extra_tags = list(tags)
    if not secrets and not extra_tags:
        return text.encode()
    parts = dict(found)
    if secrets:
        parts[SECRETS] = _with_secrets(parts.get(SECRETS, "{}"), secrets)
    if extra_tags:
        parts[TAGS] = _with_tags(parts.get(TAGS, "[]"), extra_tags)
    return ("{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in parts.items()) + "}").encode()


def _with_secrets(text: str, secrets: Mapping[str, str]) -> str:
    known = skim(text)
    if known is not None and not isinstance(known, dict):
        raise CommandError("-d: $secrets must be an object of texts.")
    return json.dumps({**(known or {}), **secrets}, ensure_ascii=False)


def _with_tags(text: str, tags: list[str]) -> str:
    known = skim(text)
    if known is not None and not isinstance(known, list):
        raise CommandError("-d: $tags must be a list of texts.")
    return json.dumps([*(known or []), *tags], ensure_ascii=False)
