"""What a part of the benchmark has found, and the bars that it is held against."""

from dataclasses import asdict, dataclass, field

from serviceexecution.contract.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure is to be: no more than the bar, or no less."""

    name: str
    value: float
    bar: float
    unit: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Tell whether it is."""
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    def to_json(self) -> JsonObject:
        """Return the bar as the file of results has it."""
        return {**asdict(self), "value": round(self.value, 4), "met": self.met}


@dataclass(slots=True)
class Outcome:
    """A part's figures in rows: the name, and one cell for each column."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """What can be drawn: points by the name of a line."""

    def row(self, name: str, *cells: float | str) -> None:
        """Add a row."""
        self.rows.append((name, *(one if isinstance(one, str) else f"{one:,.4g}" for one in cells)))

    def to_json(self) -> JsonObject:
        """Return the part as the file of results has it."""
        return {
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "notes": list(self.notes),
            "series": {name: [list(point) for point in points] for name, points in self.series.items()},
        }
