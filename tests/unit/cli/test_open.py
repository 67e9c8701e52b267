"""``sx open``: the console's page of one execution or service."""

import pytest

from serviceexecution.cli.browser import showing
from serviceexecution.cli.browser.proxy import ConsoleProxy

UUID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def opened(monkeypatch):
    """What the browser was told to show; the proxy ends at once, as after Ctrl-C."""
    shown = []

    class Opening:
        def __init__(self, url):
            shown.append(url)

        def __enter__(self):
            return True

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(showing, "shown_in_browser", Opening)
    monkeypatch.setattr(ConsoleProxy, "serve_forever", lambda _: None)
    return shown


@pytest.mark.parametrize(
    ("name", "page"),
    [
        (UUID, f"executions/{UUID}"),
        ("by-kubectl", "executions/uid-by-kubectl"),
        ("uid-by-kubectl", "executions/uid-by-kubectl"),
        ("plot", "services/uid-plot"),
        ("both", "executions/uid-both"),
        ("service/both", "services/uid-service-both"),
    ],
)
def test_it_shows_the_page_of_what_is_named(cluster, sx, opened, name, page):
    for execution in (UUID, "by-kubectl", "both"):
        cluster.execution(execution)
    cluster.definition("plot")["metadata"]["uid"] = "uid-plot"
    cluster.definition("both")["metadata"]["uid"] = "uid-service-both"
    code, out, err = sx("open", name)
    assert code == 0
    assert opened == [out.strip()]
    assert out.startswith("http://127.0.0.1:")
    assert out.strip().endswith(f"/console/#/n/team-a/{page}")
    assert "Ctrl-C ends it" in err


def test_without_a_browser_the_address_is_printed(cluster, sx, opened):
    cluster.execution(UUID)
    code, out, _ = sx("open", UUID, "--no-browser")
    assert (code, opened) == (0, [])
    assert out.strip().endswith(f"executions/{UUID}")


def test_what_is_not_there_is_said(cluster, sx, opened):
    code, out, err = sx("open", "nothing")
    assert (code, out, opened) == (1, "", [])
    assert "neither an execution nor a service nothing in namespace team-a" in err


def test_the_console_begins_at_its_beginning(cluster, sx, opened):
    code, out, _ = sx("console")
    assert code == 0
    assert out.strip().endswith("/console/")
