"""What is submitted and what fails, and when: made from a seed, so that a run can be repeated."""

import random
from dataclasses import dataclass
from typing import Final

from benchmarks.chaos.programs import BUILD, WEIGHTS

NODE: Final = "node"
"""A whole node, which falls silent: cut off, its programs go on, and frozen, nothing of it does."""
_KILLS: Final[dict[str, int]] = {
    "controller": 4,
    "gateway": 4,
    "collector": 4,
    "kube-apiserver": 3,
    "etcd": 2,
    "kubelet": 3,
    "containerd": 2,
    "kube-scheduler": 1,
    "kube-controller-manager": 2,
}
_FREEZES: Final[dict[str, int]] = {
    "controller": 2,
    "gateway": 2,
    "collector": 1,
    "kube-apiserver": 2,
    "etcd": 1,
    "kubelet": 2,
    "containerd": 1,
    NODE: 1,
}
_CUTS: Final[dict[str, int]] = {"controller": 1, "gateway": 2, NODE: 2}
_STORES: Final[dict[str, int]] = {"store": 3}
_REPLACED: Final[dict[str, int]] = {"controller": 1, "gateway": 1}
FAULTS: Final[dict[str, dict[str, int]]] = {
    "killed": _KILLS,
    "frozen": _FREEZES,
    "cut off": _CUTS,
    "refused": _STORES,
    "replaced": _REPLACED,
}
"""By what happens: to what it happens, and how often relative to all others."""
_AT_ONCE: Final = frozenset({"killed", "replaced"})
_SHORTEST, _LONGEST = 2.0, 15.0
_LONGEST_SILENCE: Final = 90.0
"""Seconds of a silent node: Kubernetes takes it for lost after 50, and deletes its pods after 350."""
_SILENT_PART: Final = 0.1
"""A short run has shorter silences: at most this part of it."""
_BUILD_SHARE: Final = 0.03
_LAST_FAULT: Final = 0.95
"""Part of the time after which nothing fails any more."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Something is submitted, ``at`` seconds after the start."""

    at: float
    name: str
    kind: str
    cancelled_after: float = 0.0
    """Seconds, for kinds that are cancelled."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something fails, ``at`` seconds after the start, for some seconds; for an instant when they are 0."""

    at: float
    what: str
    target: str
    seconds: float = 0.0
    pick: float = 0.0
    """Which one of several, such as of all kubelets: a number from 0 to below 1."""

    @property
    def kind(self) -> str:
        """Return what the table calls it."""
        return f"{self.target} {self.what}"


Step = Submission | Fault


def make_plan(seed: int, seconds: float, *, executions: int, faults: int) -> tuple[Step, ...]:
    """Return what happens in a run, in order."""
    chance = random.Random(seed)  # noqa: S311 - it decides nothing that is secret
    steps: list[Step] = [
        _submission(chance, seconds * number / executions, number) for number in range(executions)
    ]
    silence = min(_LONGEST_SILENCE, max(_LONGEST, seconds * _SILENT_PART))
    steps += [_fault(chance, chance.uniform(0, seconds * _LAST_FAULT), silence) for _ in range(faults)]
    return tuple(sorted(steps, key=lambda step: step.at))


def _submission(chance: random.Random, at: float, number: int) -> Submission:
    if chance.random() < _BUILD_SHARE:
        return Submission(at, f"service-{number}", BUILD)
    (kind,) = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
    return Submission(at, f"run-{number}", kind, cancelled_after=round(chance.uniform(0, 12), 1))


def _fault(chance: random.Random, at: float, silence: float) -> Fault:
    known = [(what, target, weight) for what, targets in FAULTS.items() for target, weight in targets.items()]
    ((what, target, _),) = chance.choices(known, [weight for _, _, weight in known])
    longest = silence if target == NODE else _LONGEST
    seconds = 0.0 if what in _AT_ONCE else round(chance.uniform(_SHORTEST, longest), 1)
    return Fault(at, what, target, seconds, chance.random())
