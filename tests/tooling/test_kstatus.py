"""kstatus itself on every status that the operator gives: what Flux and `helm --wait` read."""

import json
import subprocess
from pathlib import Path

import pytest

from cluster.images.binaries import KSTATUS_PROGRAMS, build_all
from cluster.settings import cache_home
from serviceexecution.resources.names import DEFINITION_KIND, KIND
from tests.support.kstatus import kstatus
from tests.support.seen_statuses import UNSEEN, Seen, manifest, seen_statuses

WHILE_DELETED = {"deletionTimestamp": "2026-03-01T12:00:00Z"}
EVERY = [
    *seen_statuses(),
    *(Seen(f"{kind}, not seen", manifest(kind, UNSEEN)) for kind in (KIND, DEFINITION_KIND)),
    *(Seen(f"{kind}, no status", manifest(kind, {})) for kind in (KIND, DEFINITION_KIND)),
    Seen("being deleted", manifest(KIND, UNSEEN, **WHILE_DELETED)),
    Seen("a newer spec", manifest(KIND, {"observedGeneration": 1, "conditions": []}, generation=2)),
]


@pytest.fixture(scope="module")
def program() -> Path:
    return build_all(cache_home(), KSTATUS_PROGRAMS) / "kstatus"


@pytest.fixture(scope="module")
def answers(program: Path) -> dict[str, str]:
    """What kstatus says, by state."""
    objects = "".join(f"{json.dumps(seen.manifest)}\n" for seen in EVERY)
    done = subprocess.run([program], input=objects, capture_output=True, text=True, check=True)
    words = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    return {seen.state: word for seen, word in zip(EVERY, words, strict=True)}


def test_the_rules_of_our_tests_are_those_of_kstatus(answers: dict[str, str]) -> None:
    differ = {seen.state for seen in EVERY if kstatus(seen.manifest) != answers[seen.state]}
    assert not differ


def test_nothing_is_current_before_it_was_seen(answers: dict[str, str]) -> None:
    assert answers[f"{KIND}, not seen"] == answers[f"{DEFINITION_KIND}, not seen"] == "InProgress"
    assert answers[f"{KIND}, no status"] == "Current", "without the default of the CRD it would be"


def test_executions_are_what_their_phase_says(answers: dict[str, str]) -> None:
    words = {"Pending": "InProgress", "Running": "InProgress", "Failed": "Failed"}
    for seen in EVERY:
        if seen.phase is not None and seen.manifest["kind"] == KIND:
            assert answers[seen.state] == words.get(seen.phase, "Current"), seen.state
