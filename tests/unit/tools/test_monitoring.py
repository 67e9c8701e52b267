"""Alerts and dashboard ask for metrics and labels that exist, in Prometheus' own grammar."""

import json
import re
from collections.abc import Iterator

import promql_parser
import pytest
import yaml

from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.resources.services.definition_status import RevisionPhase
from tools import ROOT
from tools.chart.install_manifest import CHART
from tools.metrics import metrics
from tools.monitoring.alerts import ALERTS, PAGE
from tools.monitoring.dashboard import DASHBOARD_FILE, dashboard_file, queries
from tools.monitoring.rules import RULES_FILE

OF_TARGETS = {"namespace", "job", "pod", "instance"}
"""Labels that Prometheus adds."""
WITHIN = ("expr", "lhs", "rhs", "vector_selector")
SERIES = {
    f"{metric.name}{suffix}": set(metric.labels) | more
    for metric in metrics()
    for suffix, more in (
        [("_bucket", {"le"}), ("_sum", set()), ("_count", set())]
        if metric.kind == "histogram"
        else [("", set())]
    )
}
"""Every series that Prometheus stores, with its labels."""
PANELS = json.loads(dashboard_file())["panels"]
ASKED = sorted({query for panel in PANELS for query in queries(panel)})


def parsed(query):
    # Grafana fills its variables in before Prometheus sees the query.
    return promql_parser.parse(query.replace("$__rate_interval", "5m").replace("$namespace", ".*"))


def parts(expression) -> Iterator[object]:
    yield expression
    inner = [getattr(expression, name, None) for name in WITHIN]
    for part in (*inner, *getattr(expression, "args", ())):
        if part is not None:
            yield from parts(part)


def problems(query):
    """Return what a query asks for that does not exist."""
    found = []
    known: set[str] = set()
    for part in parts(parsed(query)):
        if isinstance(part, promql_parser.VectorSelector):
            labels = SERIES.get(part.name or "")
            if labels is None:
                found.append(f"no metric {part.name}")
                continue
            known |= labels
            asked = {matcher.name for matcher in part.matchers.matchers}
            found += [f"{part.name} has no label {name}" for name in asked - labels - OF_TARGETS]
    for part in parts(parsed(query)):
        if isinstance(part, promql_parser.AggregateExpr) and part.modifier is not None:
            found += [
                f"nothing has the label {name}" for name in set(part.modifier.labels) - known - OF_TARGETS
            ]
    return found


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_asks_for_what_there_is(alert):
    assert problems(alert.query) == []


@pytest.mark.parametrize("query", ASKED)
def test_a_panel_asks_for_what_there_is(query):
    assert problems(query) == []


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("sum(serviceexecution_nothing) > 0", "no metric serviceexecution_nothing"),
        ('serviceexecution_executions{reason="x"}', "serviceexecution_executions has no label reason"),
        ("sum by (reason) (serviceexecution_executions)", "nothing has the label reason"),
        ("rate(serviceexecution_run_seconds[5m])", "no metric serviceexecution_run_seconds"),
    ],
)
def test_a_query_for_something_else_is_found(query, problem):
    assert problems(query) == [problem]


def test_a_query_that_is_none_is_refused():
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        parsed("sum by (")


def test_every_metric_has_a_panel():
    shown = " ".join(ASKED)
    assert [one.name for one in metrics() if not re.search(rf"\b{one.name}(_bucket)?\b", shown)] == []


def test_panels_neither_overlap_nor_share_a_number():
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        grid = panel["gridPos"]
        cells = {(grid["x"] + x, grid["y"] + y) for x in range(grid["w"]) for y in range(grid["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_values_that_alerts_match_exist():
    """A reason or a phase that was renamed would leave an alert silent."""
    phases = {phase.value for phase in (*Phase, *RevisionPhase)}
    for alert in ALERTS:
        for part in parts(parsed(alert.query)):
            if isinstance(part, promql_parser.VectorSelector):
                for matcher in part.matchers.matchers:
                    if matcher.name == "phase":
                        assert matcher.value in phases, alert.name


def test_reasons_of_the_cluster_are_those_that_nobody_else_can_mend():
    (alert,) = (one for one in ALERTS if one.name == "ServiceExecutionClusterFails")
    assert Reason.EVICTED in alert.query
    assert not any(
        f"|{reason}|" in alert.query for reason in ("ProgramFailed", "ImageNotFound", "ResultMissing")
    )


def test_each_alert_links_to_its_section():
    headings = re.findall(r"^## (.*)$", (ROOT / PAGE).read_text(), re.MULTILINE)
    assert headings == [alert.name for alert in ALERTS]
    (group,) = yaml.safe_load((ROOT / CHART / RULES_FILE).read_text())["groups"]
    for rule in group["rules"]:
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert (page, anchor) == (PAGE, rule["alert"].lower())


def test_summaries_name_labels_that_the_query_keeps():
    for alert in ALERTS:
        kept = {
            name.strip()
            for names in re.findall(r"^(?:sum|max) by \(([^)]*)\)", alert.query)
            for name in names.split(",")
        }
        assert set(re.findall(r"\$labels\.(\w+)", alert.summary)) <= kept, alert.name


def test_the_chart_holds_the_dashboard():
    assert json.loads((ROOT / CHART / DASHBOARD_FILE).read_text())["uid"] == "serviceexecution"
