"""The service: each execution calls run() once, in a process of its own.

The members of the input are its parameters, by their names. What it returns is the result; what it writes into
/var/runtime/output can be fetched as files; what it prints or logs is the execution's log.
"""

import logging
import math

from pydantic import BaseModel

logger = logging.getLogger(__name__)


class Data(BaseModel):
    """The member "data" of the input."""

    values: list[float]


class Params(BaseModel):
    """The member "params" of the input."""

    round_up: bool = False


class Result(BaseModel):
    """What the service answers."""

    sum: float


def run(data: Data, params: Params) -> Result:
    """Add the values."""
    logger.info("adding %d values", len(data.values))
    total = math.fsum(data.values)
    return Result(sum=math.ceil(total) if params.round_up else total)
