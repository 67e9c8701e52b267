"""Fits a polynomial to points; the picture of both is an output file."""

import logging
import os
from pathlib import Path

import numpy as np
from pydantic import BaseModel, Field, model_validator

from .figure import draw

logger = logging.getLogger(__name__)
OUTPUT = Path(os.environ.get("OUTPUT_DIRECTORY", "/var/runtime/output"))


class Points(BaseModel):
    """The member "data" of the input."""

    x: list[float] = Field(min_length=2)
    y: list[float] = Field(min_length=2)

    @model_validator(mode="after")
    def check_lengths(self) -> "Points":
        """Refuse points that are no pairs."""
        if len(self.x) != len(self.y):
            raise ValueError("x and y must have the same length")
        return self


class Params(BaseModel):
    """The member "params" of the input."""

    degree: int = Field(default=1, ge=1, le=10)
    title: str = "Fit"


class Fit(BaseModel):
    """The main result."""

    coefficients: list[float]
    r_squared: float
    picture: str


def run(data: Points, params: Params) -> Fit:
    """Fit and draw."""
    if params.degree >= len(data.x):
        raise ValueError(f"{len(data.x)} points are too few for degree {params.degree}")
    logger.info("fitting degree %d to %d points", params.degree, len(data.x))
    coefficients = np.polyfit(data.x, data.y, params.degree)
    y = np.asarray(data.y)
    rest = y - np.polyval(coefficients, data.x)
    spread = float(((y - y.mean()) ** 2).sum())
    r_squared = 1 - float((rest**2).sum()) / spread if spread else 1.0
    draw(data.x, data.y, coefficients.tolist(), params.title, OUTPUT / "plot.png")
    logger.info("R squared is %.4f", r_squared)
    return Fit(coefficients=coefficients.tolist(), r_squared=r_squared, picture="plot.png")
