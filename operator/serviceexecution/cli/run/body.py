"""The input that a command line gives, as the body of a POST: the user's JSON character by character, and secrets."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.terminal import visible_line
from serviceexecution.contract.input.secret_names import secret_variable
from serviceexecution.contract.json_text import JsonTextError, joined, member_texts, skim

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
    """Return the secrets of ``--secret name=value``, ``--secret name=@file`` and ``--secret name``, which is taken from
    the environment or asked for; raises CommandError, without values.

    One line break at a file's end is no part of the secret.
    """
    secrets: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if equals and not name:
            raise CommandError("--secret must be NAME=@FILE, NAME or NAME=VALUE.")
        if not equals:
            told = _told_secret(name)
            if told is None:
                raise CommandError(
                    "--secret NAME takes the secret from the variable SECRET_NAME, or asks on a terminal; here is "
                    "neither. --secret NAME=@FILE reads a file."
                )
            secrets[name] = told
            continue
        if value.startswith("@"):
            try:
                value = Path(value[1:]).expanduser().read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise CommandError(f"--secret {name}: the file cannot be read as text.") from None
            value = value.removesuffix("\n").removesuffix("\r")
        secrets[name] = value
    return secrets


def missing_secrets(needed: Iterable[str], given: Mapping[str, str], text: str) -> dict[str, str]:
    """Return secrets that a service needs and nobody has given, from the environment or a person at a terminal."""
    known = skim(member_texts(text).get(SECRETS, "{}"))
    have = set(given) | (set(known) if isinstance(known, dict) else set())
    found = {name: _told_secret(name) for name in needed if name not in have}
    return {name: value for name, value in found.items() if value}


def _told_secret(name: str) -> str | None:
    """Return a secret of the environment, else what a person at the terminal types; None when there is neither."""
    value = os.environ.get(secret_variable(name))
    if value is None and sys.stdin.isatty() and sys.stderr.isatty():
        import getpass

        value = getpass.getpass(f"Secret {visible_line(name)}: ", stream=sys.stderr)
    return value


def request_body(text: str, secrets: Mapping[str, str], tags: Iterable[str]) -> bytes:
    """Return the body: ``text`` with secrets and tags added to its ``$secrets`` and ``$tags``; raises CommandError."""
    try:
        parts = member_texts(text)
    except JsonTextError as error:
        raise CommandError(f"-d: the input must be one JSON object: {error}") from None
    extra_tags = list(tags)
    if not secrets and not extra_tags:
        return text.encode()
    if secrets:
        parts[SECRETS] = _with_secrets(parts.get(SECRETS, "{}"), secrets)
    if extra_tags:
        parts[TAGS] = _with_tags(parts.get(TAGS, "[]"), extra_tags)
    return joined(parts).encode()


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
