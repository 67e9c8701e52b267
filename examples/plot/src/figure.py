"""Draws points and the curve through them."""

import os
import tempfile
from pathlib import Path

# Matplotlib keeps a cache of fonts; the image's own folders are read-only while the service runs
os.environ.setdefault("MPLCONFIGDIR", tempfile.mkdtemp(prefix="matplotlib-"))

import numpy as np
from matplotlib.figure import Figure


def draw(x: list[float], y: list[float], coefficients: list[float], title: str, target: Path) -> None:
    """Write a PNG file."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    fine = np.linspace(min(x), max(x), 200)
    axes.plot(fine, np.polyval(coefficients, fine), label=f"degree {len(coefficients) - 1}")
    axes.scatter(x, y, color="black", label="points")
    axes.set_title(title)
    axes.legend()
    figure.savefig(target, dpi=120)
