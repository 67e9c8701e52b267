"""What programs and schemas of strangers put before the reader: nothing of it runs, and nothing leaves the page."""

import json

import pytest
from playwright.sync_api import expect

from tests.unit.gateway.service_api.service_cluster import NAMESPACE

SCRIPT = "<script>window.top.hacked = 1; window.hacked = 1</script>"
IMAGE = '<img src="http://evil.example/leak.png" onerror="window.hacked = 1">'
PAGE = f"""<!doctype html><html><head><base href="http://evil.example/">
<meta http-equiv="refresh" content="0; url=http://evil.example/"><style>h1 {{ color: rgb(1, 2, 3) }}
body {{ background: url(http://evil.example/style.png) }}</style></head>
<body><h1>Report</h1>{SCRIPT}{IMAGE}<form action="http://evil.example/"><button>Send</button></form>
<a href="javascript:window.hacked=1">go</a></body></html>"""
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="window.hacked=1" width="9" height="9">{SCRIPT}</svg>'


@pytest.fixture
def run(console):
    """Return what makes an ended execution with such files and shows one of them."""

    def run(path, content):
        name = console.submit()
        console.end(name, {path: content.encode()})
        console.go(f"/n/{NAMESPACE}/executions/{name}?tab=files&file={path}")

    return run


def nothing_ran(console, tried=()):
    """No script ran, and nothing was sent elsewhere: of what was ``tried`` the browser's policy let nothing through."""
    assert console.page.evaluate("window.hacked") is None
    own = (console.gateway.address, "blob:", "data:", "about:")
    elsewhere = [request for request in console.requests if not request.url.startswith(own)]
    assert {request.url for request in elsewhere} <= set(tried)
    assert all(request.response() is None and request.failure == "csp" for request in elsewhere)


def test_a_page_is_shown_without_its_scripts_and_loads_nothing(console, run):
    run("report.html", PAGE)
    frame = console.page.frame_locator("iframe")
    heading = frame.get_by_role("heading", name="Report")
    expect(heading).to_be_visible()
    assert console.page.locator("iframe").get_attribute("sandbox") == ""
    assert heading.evaluate("one => getComputedStyle(one).color") == "rgb(1, 2, 3)"
    assert heading.evaluate("() => self.origin") == "null"
    frame.get_by_role("link", name="go").click()
    frame.get_by_role("button", name="Send").click()
    console.page.evaluate(
        "() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
    )
    nothing_ran(console, ("http://evil.example/leak.png", "http://evil.example/style.png"))


def test_a_drawing_runs_nothing(console, run):
    run("a.svg", SVG)
    expect(console.page.get_by_role("img", name="a.svg")).to_be_visible()
    nothing_ran(console)


def test_markdown_runs_and_loads_nothing(console, run):
    run(
        "a.md",
        f"# Title\n\n{SCRIPT}{IMAGE}\n\n[x](javascript:window.hacked=1) <svg onload=window.hacked=1>\n",
    )
    expect(console.page.get_by_role("heading", name="Title")).to_be_visible()
    assert (
        console.page.locator(".markdown [href^=javascript], .markdown script, .markdown [onerror]").count()
        == 0
    )
    nothing_ran(console)


def test_cells_keys_and_values_are_text(console, run):
    run("a.csv", f'{SCRIPT},b\n"{IMAGE.replace(chr(34), chr(34) * 2)}",2\n')
    expect(console.page.get_by_role("columnheader", name=SCRIPT)).to_be_visible()
    run("a.json", json.dumps({SCRIPT: IMAGE, "__proto__": {"hacked": 1}}))
    expect(console.page.locator(".tree")).to_contain_text(SCRIPT)
    nothing_ran(console)


def test_a_log_with_markup_and_escapes_is_text(console):
    name = console.submit()
    console.log(name, f"{SCRIPT}{IMAGE}", "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2Jend")
    console.end(name)
    console.go(f"/n/{NAMESPACE}/executions/{name}?tab=log")
    expect(console.page.locator(".log")).to_contain_text(SCRIPT)
    expect(console.page.locator(".log")).to_contain_text("red end")
    nothing_ran(console)


def test_titles_of_a_schema_are_text_and_a_bad_pattern_holds_nothing(console):
    schema = {
        "type": "object",
        "title": SCRIPT,
        "properties": {
            "a": {
                "type": "string",
                "title": IMAGE,
                "description": SCRIPT,
                "pattern": "^(a+)+$",
                "default": "a" * 40 + "!",
            }
        },
    }

    async def define():
        return console.service.cluster.define("hostile", inputSchema=schema)["metadata"]["uid"]

    uid = console.gateway.run(define())
    console.go(f"/n/{NAMESPACE}/services/{uid}")
    expect(console.page.get_by_text(IMAGE).first).to_be_visible()
    nothing_ran(console)
    assert console.complaints == []
