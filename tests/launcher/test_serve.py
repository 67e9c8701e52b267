"""``sx serve``: projects behind the Service API on this machine, with both libraries and both clients."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.launcher.conftest import library_python
from tests.support.sdk.environment import sdk_environment
from tests.support.sdk.process import SdkProcess

ROOT = Path(__file__).parents[2]
SECONDS = 60
PROGRAM = """
import os, time
from pathlib import Path
from typing import Any
from {library}.commons.datapool import DataPool
from {library}.commons.secret import SecretValue


def run(data: dict[str, Any], api_token: SecretValue, readings: DataPool) -> dict[str, Any]:
    print("version 1", flush=True)
    if data.get("fails"):
        raise ValueError("values must not be empty")
    time.sleep(data.get("seconds", 0))
    Path(os.environ["OUTPUT_DIRECTORY"], "plots").mkdir()
    Path(os.environ["OUTPUT_DIRECTORY"], "plots", "a b.txt").write_text("a plot")
    pool = sorted(readings.list_files())
    return {{"sum": sum(data["values"]), "secret": len(str(api_token)), "pool": pool}}
"""


@contextmanager
def served(project: Path, python: Path, *options: str) -> Iterator[str]:
    """Serve a project and give the service's URL; Ctrl-C must end it and all that it has started."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'operator'}", "SECRET_OWN": "of-the-service"}
    # What is started in the background ignores SIGINT, and so does what it starts.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "serviceexecution.cli.main"]
    command += ["serve", str(project), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--python", str(python), *options],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), url
        yield url
    finally:
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 0


@pytest.fixture(params=["qhub", "planqk"])
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def project(tmp_path: Path, library: str) -> Path:
    folder = tmp_path / "plot"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "__init__.py").touch()
    (folder / "src" / "program.py").write_text(PROGRAM.format(library=library))
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "planqk.json").write_text('{"runtime": "PYTHON_TEMPLATE"}')  # Else it could be either
    (folder / "sx.yaml").write_text("spec: {limits: {timeout: 20s}}\n")
    return folder


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    folder = tmp_path / "readings"
    folder.mkdir()
    (folder / "r.csv").write_text("1,2\n")
    return folder


def ended(http: httpx.Client, identifier: str) -> dict[str, Any]:
    """Return the execution at its end."""
    found: dict[str, Any] = until(lambda: http.get(f"/{identifier}").json(), lambda view: "endedAt" in view)
    return found


def until(look: Callable[[], Any], is_there: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + SECONDS
    while not is_there(found := look()):
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def test_a_project_is_served_as_by_the_cluster(project: Path, library: str, pool: Path) -> None:
    body = {
        "data": {"values": [1, 2.5]},
        "readings": {"id": "p1", "ref": "DATAPOOL"},
        "$secrets": {"apiToken": "tops3cret"},
        "$tags": ["t"],
    }
    with (
        served(project, library_python(f"{library}-commons"), "--pool", f"p1={pool}") as url,
        httpx.Client(base_url=url, timeout=SECONDS) as http,
    ):
        refused = http.post("/", json={"data": 1})
        assert (refused.status_code, refused.json()["code"]) == (422, "InputInvalid")
        identifier = http.post("/", json=body).json()["id"]
        view = ended(http, identifier)
        log = [entry["message"] for entry in http.get(f"/{identifier}/log").json()]
        assert (view["status"], view["tags"]) == ("SUCCEEDED", ["t"]), log
        assert "version 1" in log
        result = http.get(f"/{identifier}/result").json()
        assert (result["sum"], result["pool"]) == (3.5, ["r.csv"])
        assert http.get(f"/{identifier}/result/plots/a b.txt").text == "a plot"
        assert [one["id"] for one in http.get("/").json()] == [identifier]

        failed = http.post("/", json={**body, "data": {"fails": True}}).json()["id"]
        assert ended(http, failed)["status"] == "FAILED"
        assert "values must not be empty" in http.get(f"/{failed}/result").json()["detail"]

        no_pool = http.post("/", json={**body, "readings": {"id": "p2", "ref": "DATAPOOL"}}).json()["id"]
        assert ended(http, no_pool)["status"] == "FAILED"
        assert "--pool p2=FOLDER" in http.get(f"/{no_pool}/result").json()["detail"]

        slow = http.post("/", json={**body, "data": {"values": [], "seconds": 600}}).json()["id"]
        until(lambda: http.get(f"/{slow}/log").text, lambda text: "version 1" in text)
        assert http.put(f"/{slow}/cancel").status_code == 200
        assert ended(http, slow)["status"] == "CANCELLED"

        program = project / "src" / "program.py"
        program.write_text(
            program.read_text().replace("version 1", "version 2").replace("data: dict", "datum: dict")
        )
        until(lambda: http.post("/", json=body).status_code, lambda status: status == 422)
        program.write_text(PROGRAM.format(library=library).replace("version 1", "version 3"))
        changed = until(lambda: http.post("/", json=body), lambda answer: answer.status_code == 201).json()[
            "id"
        ]
        assert ended(http, changed)["status"] == "SUCCEEDED"
        assert "version 3" in http.get(f"/{changed}/log").text


ODD_OUTPUT = """
import os
from pathlib import Path


def run(data: dict) -> None:
    output = Path(os.environ["OUTPUT_DIRECTORY"])
    (output / "kept.txt").write_text("kept")
    os.mkfifo(output / "pipe")
    (output / os.fsdecode(b"caf\\xe9")).write_text("no UTF-8")
    if data["link"]:
        (output / "output.json").symlink_to("kept.txt")
    else:
        (output / "output.json").mkdir()
"""


@pytest.mark.parametrize("library", ["qhub"], indirect=True)
def test_odd_output_ends_as_in_the_cluster(project: Path, library: str) -> None:
    (project / "src" / "program.py").write_text(ODD_OUTPUT)
    with (
        served(project, library_python(f"{library}-commons")) as url,
        httpx.Client(base_url=url, timeout=SECONDS) as http,
    ):
        for link, why in ((True, "symbolic links are not followed"), (False, "a directory")):
            identifier = http.post("/", json={"data": {"link": link}}).json()["id"]
            assert ended(http, identifier)["status"] == "FAILED"
            result = http.get(f"/{identifier}/result").json()
            assert (result["code"], http.get(f"/{identifier}/result/kept.txt").text) == (
                "ResultNotKept",
                "kept",
            )
            assert f"could not be kept. output.json: {why}. Write it as" in result["detail"]


def test_no_page_of_another_name_may_call_it(project: Path, library: str) -> None:
    with served(project, library_python(f"{library}-commons")) as url:
        assert httpx.get(f"{url}/", headers={"Host": "evil.example"}).status_code == 400
        assert httpx.post(f"{url}/", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
        assert (
            httpx.post(f"{url}/", content=b"{}", headers={"Origin": "https://evil.example"}).status_code
            == 403
        )


@pytest.mark.parametrize("library", ["qhub"], indirect=True)
@pytest.mark.parametrize(
    "client",
    [
        ("qhub-service", "qhub.service.client", "HubServiceClient"),
        ("planqk-service-sdk", "planqk.service.client", "PlanqkServiceClient"),
    ],
)
def test_the_real_clients_work_on_it(
    project: Path, pool: Path, tmp_path: Path, client: tuple[str, str, str]
) -> None:
    package, module, name = client
    python = sdk_environment(ROOT / "tests" / "sdk" / package / "requirements.lock")
    (tmp_path / "home").mkdir()
    with (
        served(project, library_python("qhub-commons"), "--pool", f"p1={pool}") as url,
        SdkProcess(python, tmp_path / "home") as sdk,
    ):
        endpoint = f"{url.partition('/services/')[0]}/oauth/token"
        service = getattr(sdk.module(module), name)(url, "key", "secret", token_endpoint=endpoint)
        body = {"data": {"values": [1, 2]}, "readings": {"id": "p1", "ref": "DATAPOOL"}}
        execution = service.run({**body, "$secrets": {"apiToken": "tops3cret"}})
        execution.wait_for_final_state(timeout=SECONDS, wait=0.2)
        assert execution.result().sum == 3
