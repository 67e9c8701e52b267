"""The cache of what watches told: the newest counts, whatever comes late, twice or not at all."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from serviceexecution.controller.known.cache import ObjectCache, Watched
from serviceexecution.controller.known.cached_execution import (
    MOST_OF_A_PROBLEM,
    EndedExecution,
    LiveExecution,
    UnreadableExecution,
    read_execution,
)
from serviceexecution.controller.known.jobs_and_pods import MOST_GONE_PODS
from serviceexecution.controller.known.listed import Shown
from serviceexecution.controller.known.small_texts import SmallTexts
from serviceexecution.controller.known.unreadable import BriefMetadata
from serviceexecution.controller.work.keys import ExecutionKey
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.resources.names import LABEL_EXECUTION_UID
from serviceexecution.resources.pods.observed import JobView
from tests.unit.executions.builders import JOB_NAME, JOB_UID, UID, at, ended, job, pod

KEY = ExecutionKey("team", "sum")
PLACE = ("team", JOB_NAME)


def body(*, uid=UID, version=1, phase=None, spec=None):
    return {
        "metadata": {
            "name": "sum",
            "namespace": "team",
            "uid": uid,
            "resourceVersion": str(version),
            "generation": 1,
            "creationTimestamp": "2026-03-01T12:00:00Z",
        },
        "spec": spec or {"runtime": {"docker": {"image": "a:1"}}, "inputJson": "{}", "tags": ["t"]},
        "status": {"phase": phase, "result": {"output": "1"}} if phase else {},
    }


def renewed(child, **metadata):
    metadata.setdefault("resource_version", "2")
    return child.model_copy(update={"metadata": child.metadata.model_copy(update=metadata)})


def known(cache) -> LiveExecution:
    execution = cache.executions[KEY]
    assert isinstance(execution, LiveExecution)
    return execution


class TestExecutions:
    def test_the_newest_version_of_an_execution_counts(self):
        cache = ObjectCache()
        assert cache.put_execution(body(version=10, phase="Running")) == KEY
        cache.put_execution(body(version=9, phase="Pending"))
        assert known(cache).phase == "Running"
        cache.put_execution(body(version=11, phase="Succeeded"))
        assert cache.executions[KEY].phase == "Succeeded"
        assert cache.execution_of(UID) == KEY

    def test_a_new_one_of_the_same_name_takes_its_place(self):
        cache = ObjectCache()
        cache.put_execution(body(version=1))
        cache.runs.put_job(job())
        cache.put_execution(body(uid="other", version=5))
        assert cache.execution_of(UID) is None
        assert cache.execution_of("other") == KEY
        assert cache.runs.job(UID, PLACE) is None

    def test_a_late_deletion_of_the_old_one_leaves_the_new_one(self):
        cache = ObjectCache()
        cache.put_execution(body(uid="other", version=5))
        cache.drop_execution(KEY, UID)
        assert known(cache).metadata.uid == "other"

    def test_a_deleted_one_is_forgotten_with_its_children(self):
        cache = ObjectCache()
        cache.put_execution(body())
        cache.runs.put_job(job())
        cache.runs.put_pod(pod())
        cache.drop_execution(KEY, UID)
        assert cache == ObjectCache()

    def test_a_record_is_kept_of_an_execution_that_has_ended(self):
        cache = ObjectCache()
        ended = body(phase="Succeeded", spec={"runtime": {"docker": {}}, "ttlSecondsAfterFinished": 60})
        ended["status"] |= {
            "completionTime": "2026-03-01T12:00:00Z",
            "observedGeneration": 1,
            "callback": {"state": "Pending"},
        }
        cache.put_execution(body())
        cache.put_execution(ended | {"metadata": ended["metadata"] | {"resourceVersion": "2"}})
        assert cache.executions[KEY] == EndedExecution(
            BriefMetadata("team", "sum", UID, "2", 1),
            Phase.SUCCEEDED,
            observed=True,
            expires=datetime(2026, 3, 1, 12, 1, tzinfo=UTC),
            callback_due=True,
            deleting=False,
        )
        assert cache.texts.get(KEY) is None

    def test_the_time_to_live_may_come_from_the_service(self):
        cache = ObjectCache()
        ended = body(phase="Failed")
        ended["status"] |= {
            "completionTime": "2026-03-01T12:00:00Z",
            "service": {"fields": {"ttlSecondsAfterFinished": 5}},
        }
        cache.put_execution(ended)
        record = cache.executions[KEY]
        assert isinstance(record, EndedExecution)
        assert record.expires == datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)

    def test_a_small_one_is_kept_whole_and_a_large_one_is_not(self):
        cache = ObjectCache()
        cache.put_execution(body())
        text = cache.texts.get(KEY)
        assert text is not None
        assert isinstance(read_execution(json.loads(text)), ServiceExecution)
        cache.put_execution(
            body(version=2, spec={"runtime": {"docker": {"image": "a:1"}}, "inputJson": "1" * 99_999})
        )
        assert cache.texts.get(KEY) is None
        assert known(cache).metadata.resource_version == "2"

    def test_all_texts_together_are_bounded(self):
        texts = SmallTexts[str](budget=10)
        for name in ("a", "b", "c"):
            texts.put(name, b"12345")
            texts.get("a")
        assert [texts.get(name) for name in ("a", "b", "c")] == [b"12345", None, b"12345"]

    @pytest.mark.parametrize("spec", [{"runtime": {"docker": {}}}, {"runtime": 1}])
    def test_what_cannot_be_read_is_known_as_that(self, spec):
        cache = ObjectCache()
        assert cache.put_execution(body(spec=spec)) == KEY
        text = cache.texts.get(KEY)
        assert text is not None
        execution = read_execution(json.loads(text))
        assert isinstance(execution, UnreadableExecution)
        assert (execution.metadata.uid, execution.metadata.resource_version) == (UID, "1")
        assert execution.problem.startswith("spec.runtime")

    def test_why_it_cannot_be_read_is_said_in_few_words(self):
        names = {"n" * 5_000 + str(number): 1 for number in range(9)}
        unreadable = read_execution(body(spec={"runtime": {"docker": {"image": "a"}}, "secrets": names}))
        assert isinstance(unreadable, UnreadableExecution)
        assert len(unreadable.problem) <= MOST_OF_A_PROBLEM


class TestChildren:
    def test_a_job_belongs_to_the_execution_that_controls_it(self):
        cache = ObjectCache()
        assert cache.runs.put_job(job()) == UID
        assert cache.runs.job(UID, PLACE) == job()

    def test_a_label_alone_makes_no_job_of_ours(self):
        cache = ObjectCache()
        stranger = renewed(job(), owner_references=())
        assert cache.runs.put_job(stranger) is None
        assert cache.runs.put_job(renewed(job(), labels={})) is None
        assert cache.runs.job(UID, PLACE) is None

    def test_the_newest_version_counts(self):
        cache = ObjectCache()
        new = renewed(job(ended="Complete"), resource_version="12")
        cache.runs.put_job(new)
        cache.runs.put_job(renewed(job(), resource_version="9"))
        assert cache.runs.job(UID, PLACE) == new

    def test_a_pod_is_its_jobs(self):
        cache = ObjectCache()
        assert cache.runs.put_pod(pod()) == UID
        assert cache.runs.pod(UID, "team", JOB_UID) == pod()
        assert cache.runs.pod(UID, "team", "another Job") is None
        assert cache.runs.put_pod(renewed(pod(), labels={})) is None

    def test_the_newest_of_two_pods(self):
        cache = ObjectCache()
        second = renewed(pod(), name="second", uid="second", creation_timestamp=at(50))
        cache.runs.put_pod(second)
        cache.runs.put_pod(pod())
        assert cache.runs.pod(UID, "team", JOB_UID) == second

    @pytest.mark.parametrize("kind", ["job", "pod"])
    def test_a_deleted_child_is_forgotten_but_not_its_successor_of_the_same_name(self, kind):
        cache = ObjectCache()
        child: Any = job() if kind == "job" else pod()
        put, drop = (
            (cache.runs.put_job, cache.runs.drop_job)
            if kind == "job"
            else (cache.runs.put_pod, cache.runs.drop_pod)
        )
        put(renewed(child, uid="successor"))
        assert drop(child) == UID
        assert cache != ObjectCache()
        drop(renewed(child, uid="successor"))
        assert cache == ObjectCache()
        assert drop(child) == UID, "a deletion seen twice still names the execution"


class TestPodsThatWentRightAfterTheirEnd:
    """An eviction deletes a pod as soon as it has ended: its last word is the deletion's own."""

    ENDED = pod(ended(7), phase="Failed")

    def test_the_last_word_of_an_ended_pod_counts_while_its_job_stands(self):
        cache = ObjectCache()
        cache.runs.put_job(job())
        cache.runs.put_pod(pod())
        assert cache.runs.drop_pod(self.ENDED) == UID
        assert cache.runs.pod(UID, "team", JOB_UID) == self.ENDED
        assert cache.runs.pod(UID, "team", JOB_UID, "another pod") is None
        assert cache.runs.pod(UID, "team", JOB_UID, left_out={self.ENDED.metadata.uid}) is None
        assert cache.runs.known_pod(self.ENDED) is None
        cache.runs.drop_job(job())
        assert cache == ObjectCache()

    def test_a_pod_that_is_there_counts_before_one_that_is_gone(self):
        cache = ObjectCache()
        cache.runs.put_job(job())
        cache.runs.drop_pod(self.ENDED)
        there = renewed(pod(), name="second", uid="second", creation_timestamp=at(-50))
        cache.runs.put_pod(there)
        assert cache.runs.pod(UID, "team", JOB_UID) == there

    def test_a_pod_that_had_ended_when_a_list_shows_it_no_more(self):
        cache = ObjectCache()
        cache.put_execution(body())
        cache.runs.put_job(job())
        cache.runs.put_pod(self.ENDED)
        assert cache.drop_unlisted(Watched.PODS, Shown(set(), 5)) == [KEY]
        assert cache.runs.pod(UID, "team", JOB_UID) == self.ENDED
        assert cache.drop_unlisted(Watched.JOBS, Shown(set(), 5)) == [KEY]
        assert cache.runs.pod(UID, "team", JOB_UID) is None

    @pytest.mark.parametrize(
        "gone",
        [pod(), pod(ended(7)), renewed(ENDED, namespace="another"), renewed(ENDED, owner_references=())],
        ids=["running", "main only", "in another namespace", "of no Job"],
    )
    def test_other_pods_are_forgotten(self, gone):
        cache = ObjectCache()
        cache.runs.put_job(job())
        cache.runs.drop_pod(gone)
        cache.runs.drop_job(job())
        assert cache == ObjectCache()

    def test_however_many_look_like_the_jobs_a_few_are_kept(self):
        cache = ObjectCache()
        cache.runs.put_job(job())
        for number in range(3 * MOST_GONE_PODS):
            cache.runs.drop_pod(renewed(self.ENDED, uid=f"pod-{number}"))
        found = [
            cache.runs.pod(UID, "team", JOB_UID, f"pod-{number}") for number in range(3 * MOST_GONE_PODS)
        ]
        assert len([one for one in found if one is not None]) == MOST_GONE_PODS


class TestDeletionsThatNoWatchTold:
    def test_what_a_list_does_not_show_is_dropped(self):
        cache = ObjectCache()
        cache.put_execution(body())
        cache.runs.put_job(job())
        cache.runs.put_pod(pod())
        assert cache.drop_unlisted(Watched.PODS, Shown(set(), 5)) == [KEY]
        assert cache.runs.pod(UID, "team", JOB_UID) is None
        assert cache.drop_unlisted(Watched.JOBS, Shown(set(), 5)) == [KEY]
        assert cache.runs.job(UID, PLACE) is None
        assert cache.drop_unlisted(Watched.EXECUTIONS, Shown(set(), 5)) == [KEY]
        assert not cache.executions

    def test_a_list_of_one_kind_says_nothing_of_the_others(self):
        cache = ObjectCache()
        cache.put_execution(body())
        cache.runs.put_job(job())
        cache.runs.put_pod(pod())
        assert cache.drop_unlisted(Watched.DEFINITIONS, Shown({"a definition"}, 5)) == []
        assert cache.runs.job(UID, PLACE) == job()
        assert cache.runs.pod(UID, "team", JOB_UID) == pod()

    def test_what_it_shows_stays(self):
        cache = ObjectCache()
        cache.put_execution(body())
        cache.runs.put_job(job())
        assert cache.drop_unlisted(Watched.JOBS, Shown({JOB_UID}, 5)) == []
        assert cache.drop_unlisted(Watched.EXECUTIONS, Shown({UID}, 5)) == []
        assert cache.runs.job(UID, PLACE) is not None

    def test_what_is_newer_than_the_list_stays(self):
        cache = ObjectCache()
        cache.put_execution(body(version=6))
        cache.runs.put_job(renewed(job(), resource_version="6"))
        assert cache.drop_unlisted(Watched.JOBS, Shown(set(), 5)) == []
        assert cache.drop_unlisted(Watched.EXECUTIONS, Shown(set(), 5)) == []
        assert cache.runs.job(UID, PLACE) is not None


def test_how_far_each_watch_has_come():
    cache = ObjectCache()
    cache.note_watched(Watched.JOBS, {"metadata": {"resourceVersion": "7"}})
    cache.note_watched(Watched.JOBS, {"metadata": {"resourceVersion": "5"}})
    cache.note_watched(Watched.PODS, {"metadata": {}})
    assert cache.watched_version(Watched.JOBS) == 7
    assert cache.watched_version(Watched.PODS) == 0


def test_the_api_servers_own_form_is_read():
    cache = ObjectCache()
    read = JobView.model_validate(
        {
            "apiVersion": "batch/v1",
            "metadata": {
                "name": "sum-1",
                "namespace": "team",
                "uid": JOB_UID,
                "resourceVersion": "3",
                "creationTimestamp": "2026-03-01T12:00:01Z",
                "labels": {LABEL_EXECUTION_UID: UID},
                "ownerReferences": [
                    {"kind": "ServiceExecution", "name": "sum", "uid": UID, "controller": True, "x": 1}
                ],
            },
            "spec": {"suspend": True, "template": {}},
            "status": {"conditions": [{"type": "Complete", "status": "True"}]},
        }
    )
    assert cache.runs.put_job(read) == UID
    assert read.complete
    assert read.spec.suspend
