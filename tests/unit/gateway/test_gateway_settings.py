import pytest

from serviceexecution.gateway.settings import Settings
from serviceexecution.process.environment import SettingsError

NEEDED = {"SX_STORE_URL": "file:///store", "SX_CLUSTER_ID": "c"}


def test_defaults():
    settings = Settings.from_environment(NEEDED)
    assert (settings.port, settings.log_level, settings.log_format) == (8080, "INFO", "json")
    assert settings.store_options == {}


def test_all_set():
    settings = Settings.from_environment(
        NEEDED
        | {
            "SX_STORE_OPTIONS": '{"allow_http": "true"}',
            "SX_PORT": "81",
            "SX_LOG_LEVEL": "debug",
            "SX_LOG_FORMAT": "plain",
        }
    )
    assert settings.store_options == {"allow_http": "true"}
    assert (settings.port, settings.log_level, settings.log_format) == (81, "DEBUG", "plain")


@pytest.mark.parametrize(
    "wrong",
    [
        {"SX_STORE_URL": ""},
        {"SX_CLUSTER_ID": ""},
        {"SX_PORT": "x"},
        {"SX_PORT": "70000"},
        {"SX_LOG_FORMAT": "xml"},
        {"SX_STORE_OPTIONS": "[]"},
        {"SX_STORE_OPTIONS": "{"},
        {"SX_STORE_OPTIONS": '{"a": 1}'},
    ],
)
def test_wrong_setting_is_named(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        Settings.from_environment(NEEDED | wrong)
