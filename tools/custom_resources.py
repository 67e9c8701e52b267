"""The CustomResourceDefinitions, from the models, and the chart's copies of them."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

import yaml

from serviceexecution.resources.crds.definitions import (
    data_pool_crd,
    service_definition_crd,
    service_execution_crd,
)
from serviceexecution.resources.names import API_GROUP, DEFINITION_PLURAL, PLURAL, POOL_PLURAL

_HEADER: Final = "# Generated from operator/serviceexecution/resources by `make generate`; do not edit.\n"


def definitions() -> dict[str, str]:
    """Return path → text of each file in crds/."""
    crds = {
        PLURAL: service_execution_crd(),
        DEFINITION_PLURAL: service_definition_crd(),
        POOL_PLURAL: data_pool_crd(),
    }
    return {
        f"crds/{API_GROUP}_{plural}.yaml": _HEADER
        + yaml.safe_dump(crd, sort_keys=False, width=110, allow_unicode=True)
        for plural, crd in crds.items()
    }


def chart_definitions(crds: Mapping[str, str]) -> dict[str, str]:
    """Return path in the chart → text of its copies: a chart can read no file outside of it."""
    return {f"files/crds/{PurePosixPath(path).name}": text for path, text in crds.items()}
