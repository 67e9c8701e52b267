"""Averages the readings of a data pool, and signs the answer with a key that the caller gives as a secret."""

import csv
import hashlib
import hmac
import json
import logging
from statistics import fmean

from pydantic import BaseModel
from qhub.commons.datapool import DataPool
from qhub.commons.secret import SecretValue

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """The member "params" of the input."""

    column: str


class Answer(BaseModel):
    """The main result."""

    averages: dict[str, float]
    signature: str


def run(params: Params, readings: DataPool, signing_key: SecretValue) -> Answer:
    """Average each CSV file of the data pool. ``signing_key`` comes from $secrets, and appears in no log."""
    averages: dict[str, float] = {}
    for name in sorted(readings.list_files()):
        with readings.open(name) as file:
            values = [float(row[params.column]) for row in csv.DictReader(file)]
        averages[name] = fmean(values)
        logger.info("%s: %d readings", name, len(values))
    text = json.dumps(averages, sort_keys=True)
    signature = hmac.new(signing_key.unwrap().encode(), text.encode(), hashlib.sha256).hexdigest()
    return Answer(averages=averages, signature=signature)
