"""Files that describe a plot as JSON: Vega-Lite, Vega and Plotly. They are drawn in a frame that reaches nothing."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import expect

from tests.unit.gateway.service_api.service_cluster import NAMESPACE

VALUES = [{"a": "x", "b": 28}, {"a": "y", "b": 55}]
LITE = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "data": {"values": VALUES},
    "transform": [{"calculate": "datum.b * 2", "as": "c"}],
    "mark": "bar",
    "encoding": {"x": {"field": "a"}, "y": {"field": "c", "type": "quantitative"}},
}
PLOTLY = {
    "data": [
        {"type": "bar", "name": "measured", "x": ["|00>", "|01>", "|10>", "|11>"], "y": [493, 12, 9, 486]},
        {"type": "scatter", "name": "ideal", "x": ["|00>", "|01>", "|10>", "|11>"], "y": [500, 0, 0, 500]},
    ],
    "layout": {"title": {"text": "Counts of 1000 shots"}},
}
DRAWN = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, index) => index % 4 < 3 && value > 0 && value < 200);
}"""
"""Whether a canvas has a pixel of some colour."""
FRAMES = (
    "() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn))))"
)


class Elsewhere:
    """Another origin, to which nothing should come."""

    def __init__(self) -> None:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.asked = asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    made = Elsewhere()
    thread = Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def show(console):
    """Return what shows a file with that document, and returns the frame in which it is drawn."""

    def show(document, path="plot.json"):
        name = console.submit()
        console.end(name, {path: json.dumps(document).encode()})
        console.go(f"/n/{NAMESPACE}/executions/{name}?tab=files&file={path}")
        expect(console.page.get_by_title(f"Plot of {path}")).to_be_visible()
        return console.page.frame_locator("iframe")

    return show


def nothing_left(console, elsewhere):
    """Nothing of the figure ran in the page or led it away, and nothing came to the other origin."""
    console.page.evaluate(FRAMES)
    assert console.page.evaluate("window.hacked") is None
    assert elsewhere.asked == []
    assert f"{console.gateway.address}/console/#" in console.page.url


def test_a_vega_lite_figure_is_drawn(console, show, elsewhere):
    frame = show(LITE)
    expect(frame.locator("canvas")).to_be_visible()
    assert frame.locator("canvas").evaluate(DRAWN)
    assert frame.locator("canvas").evaluate("() => self.origin") == "null"
    console.check()
    nothing_left(console, elsewhere)


def test_a_plotly_figure_is_drawn_and_is_shown_as_json_when_asked(console, show, elsewhere):
    frame = show(PLOTLY)
    expect(frame.locator(".bars path")).to_have_count(4)
    expect(frame.get_by_text("Counts of 1000 shots")).to_be_visible()
    console.check("console-plot")
    button = console.page.get_by_role("button", name="Show as JSON")
    button.focus()
    console.page.keyboard.press("Enter")
    expect(console.page.locator(".tree")).to_contain_text("layout")
    expect(console.page.locator("iframe")).to_have_count(0)
    console.check()
    nothing_left(console, elsewhere)


def test_a_library_is_loaded_only_for_its_figures(console, show):
    frame = show(PLOTLY)
    expect(frame.locator(".bars path")).to_have_count(4)
    (address,) = [one.get_attribute("src") for one in frame.locator("script[src]").all()]
    assert f"{console.gateway.address}/console/assets/plotly-" in address
    loaded = "() => performance.getEntriesByType('resource').map(one => one.name)"
    assert not [url for url in console.page.evaluate(loaded) if "/vega-" in url or "/plotly-" in url]


def test_a_frame_reaches_neither_the_page_nor_the_gateway_nor_another_origin(console, show, elsewhere):
    """Whatever got the better of a library could do no more than this."""
    frame = show(PLOTLY)
    expect(frame.locator(".bars path")).to_have_count(4)
    tried = """async addresses => {
      const asked = addresses.map(one => fetch(one, {mode: "no-cors"}).then(() => one, () => "refused"));
      const images = addresses.map(one => new Promise(done => {
        const image = new Image();
        image.onload = () => done(one);
        image.onerror = () => done("refused");
        image.src = one;
      }));
      const acts = [() => parent.document.title, () => localStorage.length, () => { top.location = addresses[1] }];
      const done = acts.map(act => { try { act(); return "done" } catch { return "refused" } });
      return [...await Promise.all([...asked, ...images]), ...done];
    }"""
    addresses = [f"{console.gateway.address}/console/session.json", elsewhere.address]
    assert (
        frame.locator("script[src]").evaluate(f"(_, addresses) => ({tried})(addresses)", addresses)
        == ["refused"] * 7
    )
    nothing_left(console, elsewhere)


def test_data_pictures_and_links_of_vega_stay_where_they_are(console, show, elsewhere):
    hostile = {
        "$schema": "https://vega.github.io/schema/vega/v6.json",
        "width": 100,
        "height": 100,
        "signals": [
            {"name": "s", "value": 1, "bind": {"input": "range", "element": "body"}},
            {"name": "k", "init": "[]['constructor']['constructor']('parent.hacked = self.hacked = 1')()"},
        ],
        "data": [{"name": "d", "url": f"{elsewhere.address}/data.json"}],
        "marks": [
            {
                "type": "image",
                "encode": {
                    "enter": {
                        "url": {"value": f"{elsewhere.address}/leak.png"},
                        "width": {"value": 100},
                        "height": {"value": 100},
                        "href": {"value": f"{elsewhere.address}/away"},
                    }
                },
            }
        ],
    }
    show(hostile)
    expect(console.page.locator(".preview p").first).to_be_visible()
    assert console.page.locator("input[type=range]").count() == 0
    nothing_left(console, elsewhere)


def test_vega_says_which_data_it_does_not_load(console, show, elsewhere):
    show({**LITE, "data": {"url": f"{elsewhere.address}/data.json"}})
    expect(
        console.page.get_by_text(f"What is elsewhere is not loaded: {elsewhere.address}/data.json")
    ).to_be_visible()
    nothing_left(console, elsewhere)


def test_pictures_maps_and_links_of_plotly_stay_where_they_are(console, show, elsewhere):
    picture = f'<img src="{elsewhere.address}/t.png" onerror="parent.hacked=1">'
    title = f'<a href="javascript:parent.hacked=1" target="_top">Title</a>{picture}'
    images = [
        {"source": f"{elsewhere.address}/leak.png", "xref": "paper", "yref": "paper", "sizex": 1, "sizey": 1}
    ]
    layout = {"title": {"text": title}, "images": images, "__proto__": {"hacked": 1}}
    frame = show({"data": [*PLOTLY["data"]], "layout": layout})
    expect(frame.locator(".bars path")).to_have_count(4)
    nothing_left(console, elsewhere)
    show({"data": [{"type": "scattergeo", "lon": [1], "lat": [2]}], "layout": {}}, "map.json")
    expect(console.page.locator(".preview p").first).to_be_visible()
    nothing_left(console, elsewhere)


def test_a_figure_that_cannot_be_drawn_says_why(console, show, elsewhere):
    show({"$schema": LITE["$schema"], "mark": "<img src=x onerror=window.hacked=1>", "data": {"values": []}})
    expect(console.page.locator(".preview p").first).to_be_visible()
    assert console.page.locator(".preview img").count() == 0
    nothing_left(console, elsewhere)
