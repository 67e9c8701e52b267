"""``sx pool``: which files are sent, and under which names; and the calls, against a gateway on loopback."""

import io
import json
import sys
from types import SimpleNamespace

import httpx
import pytest

from serviceexecution.cli.client.channel import Channel
from serviceexecution.cli.commands import pool
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.options import Output
from serviceexecution.cli.pools.lookup import left_index
from serviceexecution.cli.pools.pool_client import PoolClient, checked_name
from serviceexecution.cli.pools.sources import sources_of
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import DATA_POOLS
from tests.support.served_gateway import ServedGateway
from tests.unit.cli.fake_cluster import PROXY
from tests.unit.gateway.service_api.service_cluster import NAMESPACE


@pytest.fixture
def gateway(tmp_path):
    with ServedGateway(tmp_path / "store") as served:
        yield served


@pytest.fixture
def client(gateway):
    async def seed():
        return gateway.service.cluster.seed(DATA_POOLS, NAMESPACE, "pool", spec={})["metadata"]["uid"]

    caller = SimpleNamespace(
        headers=lambda: {"Authorization": "Bearer alice-token"},
        forget=lambda: None,
        explain=lambda _: "",
    )
    with httpx.Client(trust_env=False) as http:
        yield PoolClient(Channel(gateway.address, http, caller, 0.01), NAMESPACE, gateway.run(seed()))


@pytest.fixture
def session(monkeypatch, client):
    monkeypatch.setattr(pool, "client_of", lambda *_: client)
    monkeypatch.setattr("serviceexecution.cli.session.open_session", _Opened)


class _Opened:
    def __init__(self, *_):
        pass

    def __enter__(self):
        return SimpleNamespace(namespace=NAMESPACE, flags="")

    def __exit__(self, *_):
        pass


def test_a_folder_stands_for_its_files_and_says_what_is_left_out(tmp_path):
    (tmp_path / "b").write_text("1")
    (tmp_path / "a").write_text("2")
    (tmp_path / "more").mkdir()
    with sources_of([str(tmp_path)], "") as sources:
        assert [source.name for source in sources.files] == ["a", "b"]
        assert [folder.name for folder in sources.folders] == ["more"]


@pytest.mark.parametrize(
    ("paths", "name", "sentence"),
    [
        (["none"], "", "There is no file none"),
        (["-"], "", "--name"),
        (["a", "folder"], "x", "one file"),
        (["a", "folder"], "", "same name"),
        (["a"], "x/y", "no slash"),
        (["a"], "ü" * 128, "256 bytes"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is(tmp_path, monkeypatch, paths, name, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for place in ("a", "folder/a"):
        (tmp_path / place).write_text("1")
    with pytest.raises(CommandError, match=sentence), sources_of(paths, name):
        pass


@pytest.mark.parametrize("name", ["a b", "#?ü.csv", ".hidden", "x" * 255])
def test_names_that_a_pool_takes_are_taken(name):
    assert checked_name(name) == name


def test_only_what_is_new_is_sent(tmp_path, session, client, capsys):
    (tmp_path / "data").mkdir()
    for name, content in (("a.csv", "1,2"), ("b #?ü", "3"), ("empty", "")):
        (tmp_path / "data" / name).write_text(content)
    pool.put("pool", [str(tmp_path / "data")])
    assert {file.name: file.size for file in client.files().values()} == {"a.csv": 3, "b #?ü": 1, "empty": 0}
    assert "3 sent, 0 there already" in capsys.readouterr().err
    (tmp_path / "data" / "a.csv").write_text("9,9")
    pool.put("pool", [str(tmp_path / "data")])
    assert "1 sent, 2 there already" in capsys.readouterr().err


def test_standard_input_is_sent_under_its_name(session, client, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"piped")))
    pool.put("pool", ["-"], name="input")
    assert client.files()["input"].size == 5


def test_files_come_back_and_are_deleted(tmp_path, session, client, capsys):
    (tmp_path / "a").write_bytes(b"x" * 1_000_000)
    pool.put("pool", [str(tmp_path / "a")])
    pool.get("pool", directory=tmp_path / "copies")
    assert (tmp_path / "copies" / "a").read_bytes() == b"x" * 1_000_000
    capsys.readouterr()
    pool.list_pools("pool", output=Output.JSON)
    printed = capsys.readouterr().out  # The gateway's own log of requests may stand before and behind it
    (listed,) = json.JSONDecoder().raw_decode(printed[printed.index("[\n") :])[0]
    assert (listed["name"], listed["bytes"]) == ("a", 1_000_000)
    with pytest.raises(CommandError, match="no file b"):
        pool.remove("pool", ["b"])
    pool.remove("pool", ["a"])
    assert client.files() == {}


def test_pools_are_created_listed_and_deleted(sx, cluster):
    code, out, err = sx("pool", "create", "measurements", "--tag", "Lab")
    body = cluster.api.objects["datapools", "team-a", "measurements"]
    assert (code, out.strip()) == (0, body["metadata"]["uid"])
    assert "sx pool put measurements" in err
    assert body["spec"] == {"displayName": "measurements", "tags": ["lab"]}
    assert "measurements" in sx("pool", "ls")[1]
    sx("pool", "create", "volume", "--size", "1Gi")
    storage = cluster.api.objects["datapools", "team-a", "volume"]["spec"]["storage"]
    assert storage == {"type": "Claim", "claim": {"size": "1Gi"}}
    assert "no data pool other" in sx("pool", "rm", "other", "-y")[2]
    assert sx("pool", "rm", "measurements", "-y")[0] == 0
    assert ("datapools", "team-a", "measurements") not in cluster.api.objects


def test_an_earlier_state_is_read(tmp_path, gateway, session, client):
    (tmp_path / "a").write_text("old")
    pool.put("pool", [str(tmp_path / "a")])
    stored = gateway.service.cluster.of(DATA_POOLS)["pool"]
    before, uid = stored["status"]["index"], stored["metadata"]["uid"]
    (tmp_path / "a").write_text("newer")
    pool.put("pool", [str(tmp_path / "a")])
    earlier = PoolClient(client._channel, NAMESPACE, uid, before)
    assert (earlier.files()["a"].size, client.files()["a"].size) == (3, 5)
    assert list(earlier.get_all(earlier.files().values(), tmp_path / "old")) == [("a", 3)]
    assert (tmp_path / "old" / "a").read_text() == "old"
    with pytest.raises(CommandError, match="states are kept for a while only"):
        PoolClient(client._channel, NAMESPACE, uid, "0" * 64).files()


@pytest.mark.parametrize(
    ("used", "sentence"),
    [
        ([{"uid": "other"}], "does not use the data pool readings"),
        ([{"uid": "p"}, {"uid": "other", "written": {"index": "f" * 64}}], "has not changed"),
        (
            [{"uid": "p", "written": {"reason": "NotKept", "message": "Too large."}}],
            "is not kept: Too large.",
        ),
    ],
)
def test_an_execution_that_left_no_state_is_said(used, sentence):
    found: JsonObject = {"metadata": {"name": "readings", "uid": "p"}}
    with pytest.raises(CommandError, match=sentence):
        left_index({"metadata": {"name": "e"}, "status": {"dataPools": used}}, found)


def test_the_state_that_lost_a_conflict_is_read(cluster, sx):
    sx("pool", "create", "readings")
    uid = cluster.api.objects["datapools", "team-a", "readings"]["metadata"]["uid"]
    written = {"reason": "Conflict", "index": "e" * 64}
    cluster.execution("run", status={"dataPools": [{"uid": uid}, {"uid": uid, "written": written}]})
    file = {"id": "i", "name": "a", "contentLength": 3, "sha256": "ab", "contentType": "", "createdAt": "now"}
    cluster.answers[f"{PROXY}/platform/team-a/datapools/{uid}/files"] = (200, [file])
    code, out, _ = sx("pool", "ls", "readings", "--left-by", "run", "-o", "json")
    assert (code, json.loads(out)[0]["name"]) == (0, "a")
    assert cluster.requests("GET", f"/{uid}/files?index={'e' * 64}")
    assert "64 digits" in sx("pool", "get", "readings", "--index", "../x")[2]
    assert "either" in sx("pool", "ls", "readings", "--index", "e" * 64, "--left-by", "run")[2]
    assert sx("pool", "ls", "--index", "e" * 64)[0] == 2
