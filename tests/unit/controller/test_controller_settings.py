"""The controller's settings: defaults, units, and errors that name the variable."""

import pytest

from serviceexecution.controller.settings import ControllerSettings

LEAST = {
    "SX_STORE_URL": "file:///data",
    "SX_GATEWAY_URL": "http://gateway:8080/",
    "SX_COLLECTOR_IMAGE": "collector:1",
}


def read(**variables: str) -> ControllerSettings:
    return ControllerSettings.from_environment({**LEAST, **variables})


def test_settings_of_the_controller_have_defaults():
    settings = read()
    assert settings.namespaces == ()
    assert settings.log_limit == 256 * 1024**2
    assert settings.pod.gateway_url == "http://gateway:8080"
    assert settings.pod.run_as_user == 65532
    assert settings.pod.collector_requirements["limits"] == {"memory": "64Mi"}
    assert (settings.start_limits.missing_reference, settings.start_limits.image_refused) == (60, 120)
    assert (settings.health_port, settings.metrics_port) == (8081, 9090)
    assert settings.lease_name == ""


def test_values_and_their_units():
    settings = read(
        SX_NAMESPACES="a, b,",
        SX_LOG_LIMIT="1Gi",
        SX_STORE_OPTIONS='{"region": "eu"}',
        SX_COLLECTOR_RESOURCES='{"limits": {"cpu": "1"}}',
        SX_MISSING_REFERENCE_LIMIT="2m",
        SX_IMAGE_REFUSED_LIMIT="30s",
    )
    assert settings.namespaces == ("a", "b")
    assert settings.log_limit == 1024**3
    assert settings.store_options == {"region": "eu"}
    assert settings.pod.collector_requirements == {"limits": {"cpu": "1"}}
    assert (settings.start_limits.missing_reference, settings.start_limits.image_refused) == (120, 30)


def test_builds_are_read_from_their_variable():
    assert read().builds is None
    assert read(SX_BUILDS="{}").builds is None
    with pytest.raises(ValueError, match="SX_BUILDS: image: Field required"):
        read(SX_BUILDS='{"pythonImage": "python:{version}", "registry": {"address": "r"}}')


def test_a_variable_of_another_name_sets_no_field():
    assert read(workers="1", run_as_user="7", SX_WORKERS="1") == read()


def test_empty_variables_mean_the_default():
    assert read(SX_LOG_LIMIT="", SX_HEALTH_PORT="", SX_CLUSTER_ID="") == read()


@pytest.mark.parametrize("name", LEAST)
def test_what_is_missing_is_named(name):
    with pytest.raises(ValueError, match=name):
        read(**{name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SX_LOG_LIMIT", "much"),
        ("SX_MISSING_REFERENCE_LIMIT", "1 hour"),
        ("SX_IMAGE_REFUSED_LIMIT", "-1"),
        ("SX_HEALTH_PORT", "http"),
        ("SX_HEALTH_PORT", "70000"),
        ("SX_DEFAULT_RUN_AS_USER", "nobody"),
        ("SX_STORE_OPTIONS", "[1]"),
        ("SX_STORE_OPTIONS", "{"),
        ("SX_COLLECTOR_RESOURCES", "[]"),
        ("SX_LOG_LEVEL", "LOUD"),
        ("SX_LOG_FORMAT", "xml"),
        ("SX_RETENTION", "a week"),
    ],
)
def test_what_cannot_be_read_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        read(**{name: value})
