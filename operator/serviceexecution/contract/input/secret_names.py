"""From a secret's name to the environment variable that carries it.

Source: the runtime interface's examples, and the exact rule of both in-container libraries (23 names
checked).
"""

import re
from collections.abc import Collection, Iterable
from typing import Final

from serviceexecution.contract.paths import SECRET_VARIABLE_PREFIX
from serviceexecution.contract.problems import Problem
from serviceexecution.contract.quoting import quoted

_BEFORE_INNER_CAPITAL: Final = re.compile(r"(?<!^)(?=[A-Z])")  # ASCII only, as the libraries do it
_PORTABLE_VARIABLE: Final = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*\Z")

MAX_ARGUMENT_BYTES: Final = 131_072
"""Linux's MAX_ARG_STRLEN (32 pages of 4 KiB): the longest ``NAME=value`` with its final NUL that execve
takes."""

SECRETS_FIELD: Final = "spec.secrets"


def secret_variable(name: str) -> str:
    """The variable of the secret ``name``: ``ibmToken`` → ``SECRET_IBM_TOKEN``, ``API_KEY`` →
    ``SECRET_API_KEY``.

    A name without lower-case letters stays. Otherwise ``_`` goes before every ASCII capital but the first
    character (``APIKey`` → ``SECRET_A_P_I_KEY``) and all is upper-cased. Other characters stay: ``api-token``
    → ``SECRET_API-TOKEN``.
    """
    if name.isupper() or (name.upper() == name and "_" in name):
        return f"{SECRET_VARIABLE_PREFIX}{name}"
    return f"{SECRET_VARIABLE_PREFIX}{_BEFORE_INNER_CAPITAL.sub('_', name).upper()}"


def secret_value_limit(name: str) -> int:
    """Most bytes that the value of the secret ``name`` may have.

    The kernel counts ``<variable>=<value>`` and a final NUL against :data:`MAX_ARGUMENT_BYTES`; above it the
    program does not start at all ("argument list too long"), whatever else is in the environment.
    """
    return max(
        0, MAX_ARGUMENT_BYTES - len(secret_variable(name).encode("utf-8", "surrogatepass")) - len("=\0")
    )


def check_secret_names(
    names: Iterable[str], *, field: str = SECRETS_FIELD, taken: Collection[str] = ()
) -> tuple[Problem, ...]:
    """All faults of a set of secret names, in the order of the sorted names.

    ``taken`` are variables that something else sets already (``spec.env``). That two names may not share one
    variable is our rule: the platform lets one of them win silently.
    """
    problems: list[Problem] = []
    owners: dict[str, str] = {}
    for name in sorted(set(names)):
        path = f"{field}[{quoted(name)}]"
        variable = secret_variable(name)
        if not name:
            problems.append(
                Problem(path, "A secret's name is empty; name it as the program's parameter, e.g. api_token.")
            )
        elif not _PORTABLE_VARIABLE.match(variable):
            problems.append(
                Problem(
                    path,
                    f"The secret {quoted(name)} would become the variable {quoted(variable)}, which is no "
                    f"legal name; "
                    "use only ASCII letters, digits, '_', '-' and '.'.",
                )
            )
        elif variable in taken:
            problems.append(
                Problem(
                    path,
                    f"The secret {quoted(name)} becomes {variable}, which spec.env also sets; remove one of "
                    f"the two.",
                )
            )
        elif variable in owners:
            problems.append(
                Problem(
                    path,
                    f"The secrets {quoted(owners[variable])} and {quoted(name)} both become {variable}; "
                    f"rename one of them.",
                )
            )
        else:
            owners[variable] = name
    return tuple(problems)


def check_secret_value(name: str, value: str | bytes, *, field: str = SECRETS_FIELD) -> Problem | None:
    """Whether a value can be an environment variable. The answer never holds the value or a part of it."""
    path = f"{field}[{quoted(name)}]"
    size = len(value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass"))
    limit = secret_value_limit(name)
    if size > limit:
        return Problem(
            path,
            f"The secret {quoted(name)} has {size:,} bytes; an environment variable of this name takes at "
            f"most {limit:,}. "
            "Put larger secrets into a file of a data pool.",
        )
    if (b"\0" if isinstance(value, bytes) else "\0") in value:  # type: ignore[operator]
        return Problem(
            path,
            f"The secret {quoted(name)} holds a NUL byte, which no environment variable can; encode it, e.g. "
            f"as base64.",
        )
    return None
