"""What of a definition cannot be built as it is, and that no schema tells. Pure."""

import re
from typing import Final

from serviceexecution.contract.durations import DurationError, parse_duration
from serviceexecution.contract.quantities import QuantityError, parse_quantity
from serviceexecution.resources.services.definition import ServiceDefinition

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def build_problem(definition: ServiceDefinition) -> str | None:
    """Return in a sentence why the spec cannot be built as it is; None when it can, or is not built at all."""
    spec = definition.spec
    if not definition.is_built:
        return None
    source = spec.source
    if source is None or (source.archive is None) == (source.git is None):
        return "spec.source must say where the source is: give either archive or git."
    docker = spec.runtime.docker.build if spec.runtime.docker is not None else None
    for field, names in (
        ("args", docker.args if docker is not None else None),
        ("secrets", docker.secrets if docker is not None else None),
    ):
        for name in names or {}:
            if not _NAME.fullmatch(name):
                return (
                    f"spec.runtime.docker.build.{field} has the name {name!r}: use letters, digits, '_', '.' and '-', "
                    "a letter or '_' first."
                )
    build = spec.build
    if build is None:
        return None
    try:
        if build.timeout is not None and parse_duration(build.timeout, field="spec.build.timeout") <= 0:
            return "spec.build.timeout must be longer than nothing."
        resources = build.resources
        for kind, given in (
            ("requests", resources.requests if resources is not None else None),
            ("limits", resources.limits if resources is not None else None),
        ):
            for name, quantity in (given or {}).items():
                parse_quantity(quantity, field=f"spec.build.resources.{kind}.{name}")
    except (DurationError, QuantityError) as error:
        return str(error)
    return None
