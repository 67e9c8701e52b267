"""The Grafana dashboard: a row of what matters first, then a panel for each metric that there is."""

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Final

from tools.metrics import Metric, metrics

DASHBOARD_FILE: Final = "files/dashboard.json"
"""In the chart."""

_JsonObject = dict[str, object]
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_HERE: Final = 'namespace=~"$namespace"'
_WIDTH: Final = 24
_ANSWERS: Final = f"sum(rate(serviceexecution_gateway_requests_total{{{_HERE}}}[5m]))"
_ERRORS: Final = f'sum(rate(serviceexecution_gateway_requests_total{{{_HERE},code=~"5.."}}[5m]))'
_FIRST: Final = (
    ("Executions that run", "short", f'sum(serviceexecution_executions{{{_HERE},phase="Running"}})'),
    ("Executions that wait", "short", f'sum(serviceexecution_executions{{{_HERE},phase="Pending"}})'),
    ("Builds under way", "short", f'sum(serviceexecution_builds{{{_HERE},phase="Building"}})'),
    ("Longest wait for a pass", "s", f"max(serviceexecution_queue_oldest_seconds{{{_HERE}}})"),
    ("Store unanswered", "s", f"max(serviceexecution_store_unanswered_seconds{{{_HERE}}})"),
    ("Gateway's share of errors", "percentunit", f"{_ERRORS} / {_ANSWERS}"),
)
"""Title, unit and query."""


def dashboard_file() -> str:
    """Return the text of the file."""
    return json.dumps(_dashboard(metrics()), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def queries(dashboard: object) -> Iterator[str]:
    """Yield every query of a dashboard, or of a part of one."""
    if isinstance(dashboard, dict):
        if isinstance(dashboard.get("expr"), str):
            yield dashboard["expr"]
        yield from itertools.chain.from_iterable(queries(part) for part in dashboard.values())
    elif isinstance(dashboard, list):
        yield from itertools.chain.from_iterable(queries(part) for part in dashboard)


def _dashboard(known: Iterable[Metric]) -> _JsonObject:
    return {
        "title": "ServiceExecution",
        "uid": "serviceexecution",
        "tags": ["serviceexecution"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": _variables()},
        "panels": list(_placed(known)),
    }


def _variables() -> list[_JsonObject]:
    # Without the operator of Prometheus a target may have no namespace: `.*` also matches that.
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "namespace",
            "label": "Namespace of the operator",
            "type": "query",
            "datasource": _SOURCE,
            "query": {
                "query": "label_values(serviceexecution_queue_length, namespace)",
                "refId": "namespace",
            },
            "refresh": 2,
            "includeAll": True,
            "allValue": ".*",
            "multi": True,
        },
    ]


def _placed(known: Iterable[Metric]) -> Iterator[_JsonObject]:
    numbers = itertools.count(1)
    for place, (title, unit, query) in enumerate(_FIRST):
        width = _WIDTH // len(_FIRST)
        grid = {"x": place * width, "y": 0, "w": width, "h": 4}
        yield {**_stat(title, unit, query), "id": next(numbers), "gridPos": grid}
    y = 4
    for group, members in itertools.groupby(known, key=lambda metric: metric.group):
        grid = {"x": 0, "y": y, "w": _WIDTH, "h": 1}
        yield {"type": "row", "title": group, "id": next(numbers), "gridPos": grid, "panels": []}
        y += 1
        panels = [_graph(metric) for metric in members]
        for place, panel in enumerate(panels):
            grid = {"x": place % 3 * 8, "y": y + place // 3 * 8, "w": 8, "h": 8}
            yield {**panel, "id": next(numbers), "gridPos": grid}
        y += -(-len(panels) // 3) * 8


def _stat(title: str, unit: str, query: str) -> _JsonObject:
    return {
        "type": "stat",
        "title": title,
        "datasource": _SOURCE,
        "targets": [_target(query, "")],
        "fieldConfig": {"defaults": {"unit": unit, "noValue": "0"}, "overrides": []},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area", "colorMode": "none"},
    }


def _graph(metric: Metric) -> _JsonObject:
    return {
        "type": "timeseries",
        "title": metric.name.removeprefix("serviceexecution_"),
        "description": metric.meaning,
        "datasource": _SOURCE,
        "targets": list(_targets(metric)),
        "fieldConfig": {"defaults": {"unit": _unit(metric), "min": 0}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _targets(metric: Metric) -> Iterator[_JsonObject]:
    legend = " ".join(f"{{{{{label}}}}}" for label in metric.labels)
    by = f" by ({', '.join(metric.labels)})" if metric.labels else ""
    if metric.kind == "histogram":
        bucket = f"rate({metric.name}_bucket{{{_HERE}}}[$__rate_interval])"
        for share in ("0.5", "0.99"):
            groups = ", ".join(("le", *metric.labels))
            query = f"histogram_quantile({share}, sum by ({groups}) ({bucket}))"
            yield _target(query, f"p{share.removeprefix('0.').ljust(2, '0')} {legend}".strip())
    elif metric.kind == "counter":
        yield _target(f"sum{by} (rate({metric.name}{{{_HERE}}}[$__rate_interval]))", legend or "in a second")
    else:
        # Replicas each have a part of what is counted, and one time of waiting is not longer for there being two.
        of_all = "max" if metric.name.endswith("_seconds") else "sum"
        yield _target(f"{of_all}{by} ({metric.name}{{{_HERE}}})", legend or of_all)


def _target(query: str, legend: str) -> _JsonObject:
    # The letter names a query within its panel, and no panel has two of one legend.
    letter = "B" if legend.startswith("p99") else "A"
    return {"datasource": _SOURCE, "expr": query, "legendFormat": legend, "refId": letter, "range": True}


def _unit(metric: Metric) -> str:
    per_second = metric.kind == "counter"
    if "_bytes" in metric.name:
        return "Bps" if per_second else "bytes"
    if "_seconds" in metric.name:
        return "short" if per_second else "s"
    return "ops" if per_second else "short"
