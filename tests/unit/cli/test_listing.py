"""``sx list``, ``get``, ``wait``, ``watch`` and ``delete``, against a cluster in memory."""

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.listing import changes
from serviceexecution.cli.listing.selection import Selection
from serviceexecution.cli.summaries import execution_summary

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def of(name, *, service="", phase="Running", tags=(), age=0, message=""):
    return execution_summary(
        {
            "metadata": {"name": name, "creationTimestamp": (NOW - timedelta(hours=age)).isoformat()},
            "spec": {"serviceRef": {"name": service}, "tags": list(tags)},
            "status": {"phase": phase, "message": message},
        }
    )


ALL = (
    of("a", service="plot", tags=["x", "y"], age=1),
    of("b", service="plot", phase="Failed", age=30, message="Out of memory."),
    of("c", phase="Pending", tags=["x"], age=100),
)


@pytest.fixture
def three(cluster, monkeypatch):
    monkeypatch.setattr(changes, "PAUSE_SECONDS", 0.02)
    cluster.execution("a", spec={"serviceRef": {"name": "plot"}, "tags": ["x"]}, status={"phase": "Running"})
    cluster.execution("b", status={"phase": "Failed", "message": "Exit code 1."})
    cluster.execution("c", spec={"serviceRef": {"name": "plot"}}, status={})
    return cluster


def becomes(cluster, name, **status):
    """Let an execution become different once somebody watches."""
    found = cluster.api.objects["serviceexecutions", "team-a", name]
    cluster.snapshots.then.append(lambda: found.update(status=status))


def names(out):
    return [line.split()[0] for line in out.splitlines()]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, "abc"),
        ({"statuses": ["failed,RUNNING"]}, "ab"),
        ({"statuses": ["failed", "pending"]}, "bc"),
        ({"service": "plot"}, "ab"),
        ({"tags": ["x"]}, "ac"),
        ({"tags": ["x", "y"]}, "a"),
        ({"since": "90m"}, "a"),
        ({"since": "2d"}, "ab"),
        ({"older": "29h"}, "bc"),
        ({"older": "9999d"}, ""),
        ({"text": "MEMORY"}, "b"),
        ({"text": "plot", "tags": ["y"]}, "a"),
    ],
)
def test_a_selection_takes_what_fits_all_of_it(options, found):
    wanted = Selection.of(**options, now=NOW)
    assert "".join(view.name for view in ALL if wanted.takes(view)) == found
    assert bool(wanted) == bool(options)


@pytest.mark.parametrize(
    ("options", "named"),
    [({"statuses": ["done"]}, "--status"), ({"since": "soon"}, "--since"), ({"older": "-1d"}, "--older")],
)
def test_a_selection_that_is_none_names_its_option(options, named):
    with pytest.raises(CommandError, match=named):
        Selection.of(**options)


def test_the_server_is_asked_for_what_it_can_select():
    assert Selection.of(service="plot", statuses=["failed"]).field_selector == (
        "spec.serviceRef.name=plot,status.phase=Failed"
    )
    assert Selection.of(statuses=["failed,running"]).field_selector == ""
    assert Selection.of(statuses=["pending"]).field_selector == ""  # The newest have no phase yet


class TestList:
    def test_all_and_some(self, three, sx):
        assert names(sx("list")[1]) == ["ID", "c", "b", "a"]
        assert names(sx("list", "--service", "plot")[1]) == ["ID", "c", "a"]
        assert names(sx("list", "--status", "pending")[1]) == ["ID", "c"]
        assert sx("list", "--tag", "none") == (0, "", "There are no such executions in namespace team-a.\n")

    def test_wide_shows_tags_and_why(self, three, sx):
        assert "Exit code 1." in sx("list", "-o", "wide")[1]
        assert sx("list", "-o", "wide")[1].splitlines()[0].split()[-2:] == ["TAGS", "MESSAGE"]

    def test_for_programs(self, three, sx):
        assert sx("list", "-o", "name", "--service", "plot")[1] == "c\na\n"
        assert [one["id"] for one in json.loads(sx("list", "-o", "json")[1])] == ["c", "b", "a"]
        assert yaml.safe_load(sx("list", "--status", "running", "-o", "yaml")[1])[0]["tags"] == ["x"]
        assert json.loads(sx("list", "--tag", "none", "-o", "json")[1]) == []

    def test_of_all_namespaces(self, three, sx):
        path = "/apis/serviceexecution.dev/v1alpha1/namespaces/team-b/serviceexecutions/d"
        three.objects[path] = {"metadata": {"name": "d", "namespace": "team-b"}, "spec": {}}
        assert names(sx("list", "-A")[1]) == ["NAMESPACE", "team-b", "team-a", "team-a", "team-a"]
        assert names(sx("list")[1]) == ["ID", "c", "b", "a"]

    def test_watched_it_shows_what_changes(self, three, sx, monkeypatch):
        printed = []

        def stop_at_the_end(line):
            printed.append(line)
            if "Succeeded" in line:
                raise KeyboardInterrupt

        monkeypatch.setattr("serviceexecution.cli.commands.listing.say", stop_at_the_end)
        three.snapshots.cuts = 1
        becomes(three, "a", phase="Succeeded")
        assert sx("list", "-w", "--status", "running")[0] == 130
        assert [line.split()[0] for line in printed] == ["ID", "a", "a"]

    def test_no_text_of_others_steers_the_terminal(self, three, sx):
        three.execution("d", spec={"tags": ["\x1b]0;x\x07"]}, status={"phase": "Failed", "message": "\u202e"})
        for form in ("wide", "json", "yaml"):
            printed = sx("list", "-o", form)[1]
            assert "\x1b" not in printed
            assert "\u202e" not in printed
        assert yaml.safe_load(sx("list", "-o", "yaml")[1])[0]["tags"] == ["\x1b]0;x\x07"]


class TestGet:
    def test_as_it_is_stored(self, three, sx):
        found = yaml.safe_load(sx("get", "a")[1])
        assert found["spec"]["tags"] == ["x"]
        assert [one["metadata"]["name"] for one in json.loads(sx("get", "a", "uid-b", "-o", "json")[1])] == [
            "a",
            "b",
        ]
        assert sx("get", "uid-b", "-o", "name")[1] == "b\n"

    def test_a_service(self, three, sx):
        three.definition("plot")
        assert yaml.safe_load(sx("get", "service/plot")[1])["spec"] == {"runtime": {"python": {}}}
        assert "There is no service none" in sx("get", "service/none")[2]


class TestWait:
    @pytest.mark.parametrize(("phase", "code"), [("Succeeded", 0), ("Failed", 4), ("Cancelled", 5)])
    def test_the_exit_code_tells_the_end(self, three, sx, phase, code):
        becomes(three, "a", phase=phase, message="So.")
        assert sx("wait", "a")[:2] == (code, f"a {phase}: So.\n")

    def test_several_end_with_the_worst(self, three, sx):
        three.execution("e", status={"phase": "Succeeded"})
        three.execution("f", status={"phase": "Cancelled"})
        assert sx("wait", "e", "f")[0] == 5
        code, out, _ = sx("wait", "e", "f", "b", "-o", "json")
        assert code == 4
        assert {one["phase"] for one in json.loads(out)} == {"Succeeded", "Failed", "Cancelled"}

    def test_all_of_a_tag(self, three, sx):
        becomes(three, "a", phase="Succeeded")
        assert sx("wait", "--tag", "x")[:2] == (0, "a Succeeded\n")

    def test_until_it_runs_or_has_a_condition(self, three, sx):
        assert sx("wait", "a", "--for", "running")[0] == 0
        assert sx("wait", "b", "--for", "running")[0] == 4
        conditions = [{"type": "Collecting", "status": "True"}]
        three.execution("e", status={"phase": "Running", "conditions": conditions})
        assert sx("wait", "e", "--for", "condition=collecting")[0] == 0
        assert "--for must be" in sx("wait", "e", "--for", "joy")[2]

    def test_no_longer_than_it_should(self, three, sx):
        assert sx("wait", "a", "--timeout", "200ms") == (
            124,
            "",
            "sx: It takes longer than --timeout: a is Running.\n",
        )

    def test_what_is_deleted_is_said(self, three, sx):
        three.snapshots.then = [lambda: three.api.objects.pop(("serviceexecutions", "team-a", "a"))]
        assert sx("wait", "a") == (1, "", "sx: Deleted before their end was seen: a.\n")

    def test_something_must_be_waited_for(self, three, sx):
        assert sx("wait")[0] == 2
        assert sx("wait", "a", "--tag", "x")[0] == 2

    def test_watch_says_each_state(self, three, sx):
        becomes(three, "c", phase="Running")
        becomes(three, "c", phase="Failed")
        assert sx("watch", "c")[:2] == (4, "c Pending\nc Running\nc Failed\n")
        assert json.loads(sx("watch", "c", "-o", "json")[1])["phase"] == "Failed"


class TestDelete:
    def left(self, cluster):
        return {name for kind, _, name in cluster.api.objects if kind == "serviceexecutions"}

    def test_by_name_without_a_question(self, three, sx):
        assert sx("delete", "a", "uid-b")[:2] == (0, "a deleted\nb deleted\n")
        assert self.left(three) == {"c"}

    def test_by_selection_only_what_has_ended(self, three, sx):
        three.execution("d", status={"phase": "Succeeded"})
        assert sx("delete", "--all", "--yes")[1] == "d deleted\nb deleted\n"
        assert self.left(three) == {"a", "c"}
        assert sx("delete", "--all", "-y")[2] == "There are no such executions in namespace team-a.\n"
        assert [
            one["id"] for one in json.loads(sx("delete", "--tag", "x", "--running", "-y", "-o", "json")[1])
        ] == ["a"]

    def test_nobody_is_deleted_without_a_yes(self, three, sx, monkeypatch):
        code, _, err = sx("delete", "--status", "failed")
        assert code == 2
        assert "1 executions of namespace team-a would be deleted; confirm with --yes." in err
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
        assert sx("delete", "--status", "failed")[2].endswith("sx: Nothing was deleted.\n")
        assert sx("delete", "--status", "failed", "--dry-run")[1] == "b would be deleted\n"
        assert self.left(three) == {"a", "b", "c"}

    def test_wrong_usage(self, three, sx):
        assert sx("delete")[0] == 2
        assert sx("delete", "a", "--all")[0] == 2
