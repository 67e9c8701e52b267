# ruff: noqa: T201, UP006, UP035, UP045 - written as the platform's examples are
"""A service as users write it for the Python Template, with every special input type. It knows no Kubernetes."""

import hashlib
import math
from typing import Any, Dict, Optional

from loguru import logger
from qhub.commons.datapool import DataPool
from qhub.commons.runtime.output import write_string_output
from qhub.commons.secret import SecretValue


def run(
    data: Dict[str, Any],
    params: Dict[str, Any],
    api_token: Optional[SecretValue] = None,
    training_data: Optional[DataPool] = None,
) -> Dict[str, Any]:
    """Adds up ``data.values``; ``params.fail`` makes it raise."""
    print("plain print from run()", flush=True)
    logger.info("adding {} values", len(data["values"]))
    if params.get("fail"):
        raise ValueError("params.fail was set")

    total = sum(data["values"])
    if params.get("round_up"):
        total = math.ceil(total)
    result: Dict[str, Any] = {"sum": total}

    if api_token is not None:
        logger.info("the token prints as {}", api_token)
        result["token_sha256"] = hashlib.sha256(api_token.unwrap().encode()).hexdigest()

    if training_data is not None:
        files = sorted(training_data.list_files())
        result["pool_files"] = files
        result["pool_bytes"] = 0
        for name in files:
            with training_data.open(name, "rb") as file:
                result["pool_bytes"] += len(file.read())

    write_string_output("report.txt", f"sum of {data['values']} is {total}\n")
    return result
