"""What one attack has shown, and whether the bars are met."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from typing_extensions import override

from benchmarks.floods.attacks import Tally
from benchmarks.floods.plans import PLANS, Strength
from benchmarks.floods.witness import Seen
from serviceexecution.contract.json_types import JsonObject

RATIO: Final = 2.0
NOISE_MILLISECONDS: Final = 50.0


@dataclass(frozen=True, slots=True)
class Load:
    """What an attacker sent meanwhile, a second, and what that took."""

    sent: float = 0.0
    answers: dict[str, float] = field(default_factory=dict)
    held: float = 0.0
    """Connections that were open, on average of both looks."""
    processors: dict[str, float] = field(default_factory=dict)

    @classmethod
    def between(cls, before: Tally, after: Tally, processors: dict[str, float], seconds: float) -> "Load":
        """Return the load between two looks."""
        answers = {
            status: (count - before.answers.get(status, 0)) / seconds
            for status, count in after.answers.items()
        }
        held = (before.held + after.held) / 2
        return cls((after.sent - before.sent) / seconds, answers, held, processors)

    @property
    def served(self) -> float:
        """How many objects were made a second."""
        return self.answers.get("201", 0.0)

    def strength(self, kind: Strength) -> float:
        """Return how strong the attack was."""
        return self.held if kind is Strength.HELD else sum(self.answers.values())

    @override
    def __str__(self) -> str:
        answers = ", ".join(f"{status}: {rate:.1f}" for status, rate in self.answers.items() if rate >= 0.05)
        return f"{self.sent:.1f} ({answers or 'none answered'})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attack."""

    name: str
    quiet: Seen = field(default_factory=Seen)
    flooded: Seen = field(default_factory=Seen)
    control: Seen | None = None
    """What the witness saw beside plain objects of Kubernetes instead."""
    restarts: int = 0
    load: Load = field(default_factory=Load)
    broken: str = ""
    """Why there are no figures."""

    def met(self, what: str) -> bool:
        """Tell whether the witness was held up by no more than the bar allows."""
        return within(self.quiet.p99(what), self.flooded.p99(what))

    @property
    def strong(self) -> bool:
        """Tell whether the attack was as strong as it must be to show something."""
        plan = PLANS[self.name]
        return self.load.strength(plan.strength) >= plan.least

    @property
    def verdict(self) -> str:
        """Say in a word or two whether all bars are met."""
        if self.broken:
            return f"NO FIGURES: {self.broken}"
        if not self.strong:
            return "TOO WEAK"
        if self.failures or self.restarts or not all(map(self.met, self.quiet.latencies)):
            return "NOT MET"
        return "ok"

    @property
    def good(self) -> bool:
        """Tell whether all bars are met."""
        return self.verdict == "ok"

    @property
    def failures(self) -> Counter[str]:
        """Return what failed of the witness, when it worked alone as well."""
        return self.quiet.failures + self.flooded.failures

    def figures(self) -> JsonObject:
        """Return the figures for a file."""
        plan, load = PLANS[self.name], self.load
        p99: JsonObject = {
            what: [
                round(seen.p99(what), 1)
                for seen in (self.quiet, self.flooded, self.control)
                if seen is not None
            ]
            for what in self.quiet.latencies
        }
        return {
            "attack": self.name,
            "p99Milliseconds": p99,
            "failures": dict(self.failures),
            "restarts": self.restarts,
            "sentPerSecond": round(load.sent, 1),
            "answeredPerSecond": {status: round(rate, 1) for status, rate in load.answers.items()},
            "strength": round(load.strength(plan.strength), 1),
            "leastStrength": plan.least,
            "processors": {who: round(share, 2) for who, share in load.processors.items()},
            "met": self.good,
            "verdict": self.verdict,
        }


def within(quiet: float, flooded: float) -> bool:
    """Tell whether a p99 beside a flood is twice the quiet one at most, or no more above it than noise is."""
    return flooded <= max(RATIO * quiet, quiet + NOISE_MILLISECONDS)
