"""The attacks by name, how strong each has to be at least, and what Kubernetes does by itself for the same."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from benchmarks.floods import api_server, attacks
from benchmarks.floods.attacks import Attack


class Strength(StrEnum):
    """What tells how strong an attack is."""

    ANSWERED = "answered a second"
    HELD = "connections held"


@dataclass(frozen=True, slots=True)
class Plan:
    """One attack. One that is weaker than ``least`` shows nothing, and is a failed run."""

    attack: Attack
    least: float
    strength: Strength = Strength.ANSWERED
    control: str | None = None
    """Of ``CONTROLS``: makes as many objects without us, at the rate at which the attack made its own."""


PLANS: Final[dict[str, Plan]] = {
    "unknown ids": Plan(attacks.unknown_ids, 20),
    # A check takes three seconds: at this rate a process of the checker's is always busy with the next
    "slow schemas": Plan(attacks.slow_schemas, 0.3),
    "large bodies": Plan(attacks.large_bodies, 0.3),
    "large inputs": Plan(attacks.large_inputs, 0.5, control="plain ConfigMaps"),
    "bad tokens": Plan(attacks.bad_tokens, 20),
    "slow archives": Plan(attacks.slow_archives, 20, Strength.HELD),
    # One execution has two uploads and one commit at a time; more are refused at once
    "slow outputs": Plan(attacks.slow_outputs, 2, Strength.HELD),
    "unfinished commits": Plan(attacks.unfinished_commits, 1, Strength.HELD),
    "streams": Plan(attacks.streams, 30, Strength.HELD),
    "many logs": Plan(attacks.many_logs, 30, Strength.HELD),
    "connections": Plan(attacks.connections, 400, Strength.HELD),
    "new executions": Plan(api_server.new_executions, 10, control="plain Jobs"),
}
CONTROLS: Final[dict[str, Attack]] = {
    "plain ConfigMaps": api_server.plain_config_maps,
    "plain Jobs": api_server.plain_jobs,
}


def attack_of(name: str) -> Attack:
    """Return the attack or control of that name."""
    return PLANS[name].attack if name in PLANS else CONTROLS[name]
