"""``sx builds`` and ``sx rollback``, against a cluster in memory."""

import json
import threading

import pytest

from serviceexecution.cli.deploy.rollback import chosen_revision
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.summaries import service_summary
from tests.support.polling import poll_until


def revision(name, phase="Succeeded", **members):
    return {"name": name, "phase": phase, "sourceDigest": f"sha256:{name}abc", **members}


REVISIONS = [
    revision("r10", "Failed", message="No such package: nix."),
    revision("r9"),
    revision("r8", "Cancelled"),
    revision("r2", commit="c" * 40),
]


@pytest.fixture
def service(cluster):
    found = cluster.definition(
        "plot", status={"phase": "Ready", "revision": "r9", "observedGeneration": 1, "revisions": REVISIONS}
    )

    def operator(definition):
        pinned = definition["spec"].get("revision")
        definition["status"] = {
            **definition["status"],
            "observedGeneration": definition["metadata"]["generation"],
        }
        definition["status"]["revision"] = pinned or "r9"

    cluster.after_apply = operator
    return found


def path(cluster):
    return next(key for key in cluster.objects if key.endswith("/servicedefinitions/plot"))


def test_the_list_marks_what_serves(cluster, service, sx):
    code, out, _ = sx("builds", "plot")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["REVISION", "PHASE", "SOURCE", "TIME", "AGE", "MESSAGE"],
        ["r10", "Failed", "r10abc", "No", "such", "package:", "nix."],
        ["*", "r9", "Succeeded", "r9abc"],
        ["r8", "Cancelled", "r8abc"],
        ["r2", "Succeeded", "cccccccccccc"],
    ]


@pytest.mark.parametrize(
    "argv", [("plot", "-o", "json"), ("-o", "json", "plot"), ("list", "plot", "-o", "json")]
)
def test_builds_as_json_mark_what_serves(cluster, service, sx, argv):
    found = json.loads(sx("builds", *argv)[1])
    assert [one["name"] for one in found if one["serving"]] == ["r9"]


def test_builds_logs_shows_a_build_s_log(cluster, service, sx):
    cluster.logs["r10"] = ["a", "b"]
    cluster.logs["r9"] = ["c"]
    assert sx("builds", "logs", "plot") == (0, "a\nb\n", "")
    assert sx("builds", "logs", "plot", "r9", "-f") == (0, "c\n", "")
    code, out, err = sx("builds", "logs", "plot", "-f")
    assert (code, out, err) == (3, "a\nb\n", "sx: r10 failed: No such package: nix.\n")
    assert sx("builds", "logs", "plot", "r8", "-f")[0] == 5
    assert "has no revision r7" in sx("builds", "logs", "plot", "r7")[2]


def test_a_log_that_ends_too_early_is_taken_up_again(cluster, service, sx, monkeypatch):
    monkeypatch.setattr("serviceexecution.cli.client.channel._LONGEST_PAUSE", 0.01)
    cluster.logs["r10"] = ["a"]
    service["status"]["revisions"] = [revision("r10", "Building")]

    def end_when_asked_again():
        poll_until(
            lambda: len(cluster.requests("GET", "/builds/r10/log")) > 1, seconds=60, what="a second request"
        )
        service["status"].update(revisions=REVISIONS)

    threading.Thread(target=end_when_asked_again, daemon=True).start()
    assert sx("builds", "logs", "plot", "-f")[0] == 3
    assert len(cluster.requests("GET", "/builds/r10/log")) > 1


def test_builds_cancel_ends_the_running_build(cluster, service, sx):
    assert "No build of plot is running" in sx("builds", "cancel", "plot")[2]
    service["status"]["revisions"] = [revision("r11", "Building"), *REVISIONS]
    assert sx("builds", "cancel", "plot")[1] == "r11 is being cancelled.\n"
    assert cluster.objects[path(cluster)]["spec"]["build"] == {"cancel": "r11"}


def test_rollback_pins_and_latest_unpins(cluster, service, sx):
    assert sx("rollback", "plot")[1] == "plot serves r2 (it was r9).\n"
    assert cluster.objects[path(cluster)]["spec"]["revision"] == "r2"
    assert "(pinned)" in sx("builds", "plot")[1]
    assert sx("rollback", "plot", "--latest")[1] == "plot serves r9 (it was r2).\n"
    assert "revision" not in cluster.objects[path(cluster)]["spec"]
    assert sx("rollback", "plot", "r9")[1] == "plot serves r9.\n"
    assert sx("rollback", "plot", "r9", "--latest")[0] == 2


@pytest.mark.parametrize(
    ("serving", "wanted", "found"),
    [
        ("r9", "", "r2"),
        ("r9", "r2", "r2"),
        ("r10", "", "r9"),
        ("r2", "", None),
        ("", "", None),
        ("r9", "r8", None),
    ],
)
def test_rollback_chooses_the_revision_before_or_the_one_named(serving, wanted, found):
    view = service_summary(
        {"metadata": {"name": "plot"}, "status": {"revision": serving, "revisions": REVISIONS}}
    )
    if found is not None:
        assert chosen_revision(view, wanted) == found
        return
    with pytest.raises(CommandError, match="sx builds plot"):
        chosen_revision(view, wanted)


def test_a_service_that_is_not_there(cluster, sx):
    assert sx("builds", "nobody") == (
        1,
        "",
        "sx: There is no service nobody in namespace team-a; see them with: sx services\n",
    )
