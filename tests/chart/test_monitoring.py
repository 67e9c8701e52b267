"""Rules and dashboard as the chart installs them."""

import json

import yaml

from tests.chart.conftest import named
from tools import ROOT
from tools.chart.install_manifest import CHART

RULES = "monitoring.prometheusRule.enabled=true"
DASHBOARD = "monitoring.dashboard.enabled=true"


def test_rules_are_those_of_the_file(render):
    rule = named(render(RULES), "PrometheusRule", "sx-serviceexecution")
    assert rule["spec"] == yaml.safe_load((ROOT / CHART / "files/alerts.yaml").read_text())


def test_rules_link_to_the_address_that_is_given(render):
    address = "https://wiki.example.com/runbooks"
    rule = named(
        render(RULES, f"monitoring.prometheusRule.runbooks={address}"),
        "PrometheusRule",
        "sx-serviceexecution",
    )
    links = {one["annotations"]["runbook_url"] for one in rule["spec"]["groups"][0]["rules"]}
    assert f"{address}#serviceexecutionnoleader" in links
    assert all(link.startswith(f"{address}#") for link in links)


def test_rules_carry_the_labels_by_which_a_prometheus_selects(render):
    rule = named(
        render(RULES, "monitoring.labels.release=prometheus"), "PrometheusRule", "sx-serviceexecution"
    )
    assert rule["metadata"]["labels"]["release"] == "prometheus"


def test_the_dashboard_is_whole_and_found_by_its_label(render):
    made = named(render(DASHBOARD), "ConfigMap", "sx-serviceexecution-dashboard")
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    text = (ROOT / CHART / "files/dashboard.json").read_text()
    assert json.loads(made["data"]["serviceexecution.json"]) == json.loads(text)
