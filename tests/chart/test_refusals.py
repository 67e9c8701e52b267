"""Values that cannot work are refused before anything is installed, with a sentence."""

import pytest

from tests.chart.conftest import LARGE, ChartRefusedError


@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (["nosuchkey=1"], "additional properties 'nosuchkey' not allowed"),
        (["gateway.servce.port=80"], "additional properties 'servce' not allowed"),
        (["mode=medium"], "value must be one of 'small', 'large'"),
        (["image.digest=sha256:12"], "does not match pattern"),
        (["executions.logLimit=many"], "does not match pattern"),
        (["executions.runAsUser=0"], "minimum"),
        (["store.options.allow_http=true"], "got boolean, want string"),
        (["collector.resources.limit.cpu=1"], "additional properties 'limit' not allowed"),
        (["mode=large"], "mode large needs an object store"),
        (["mode=large", "store.url=file:///data"], "mode large needs an object store"),
        (["store.url=file:///data"], "store.url: names object stores only"),
        (["store.url=s3://bucket"], "store.clusterId: an object store needs an id of this cluster"),
        (["store.options.region=eu-central-1"], "store.options: belong to an object store"),
        (["podDisruptionBudget.enabled=true"], "podDisruptionBudget.enabled: needs mode large"),
        (
            ["monitoring.podMonitor.enabled=true", "monitoring.serviceMonitor.enabled=true"],
            "enable either podMonitor or serviceMonitor",
        ),
        (["serviceAccount.create=false"], "serviceAccount.controllerName: name an existing ServiceAccount"),
        (["extraEnv[0].name=SX_STORE_URL"], "extraEnv: SX_STORE_URL is already set"),
        (
            [*LARGE, "extraEnv[0].name=A", "extraEnv[0].value=x", "gateway.extraEnv[0].name=A"],
            "extraEnv: A is already set",
        ),
    ],
)
def test_refused(render, sets, sentence):
    with pytest.raises(ChartRefusedError) as refused:
        render(*sets)
    assert sentence in str(refused.value)


def test_values_of_a_parent_chart_are_accepted(render):
    assert render("global.imageRegistry=registry.example.com")
