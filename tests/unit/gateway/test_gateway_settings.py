import json

import pytest

from serviceexecution.gateway.identity_provider import IdentityProvider
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.process.settings import SettingsError

NEEDED = {"SX_STORE_URL": "file:///store", "SX_CLUSTER_ID": "c"}


def test_settings_of_the_gateway_have_defaults():
    settings = GatewaySettings.from_environment(NEEDED)
    assert (settings.port, settings.log_level, settings.log_format) == (8080, "INFO", "json")
    assert settings.store_options == {}
    assert (settings.source_limit, settings.build_ca_file) == (100 * 1024**2, "")


def test_all_settings_of_the_gateway_are_read():
    settings = GatewaySettings.from_environment(
        NEEDED
        | {
            "SX_STORE_OPTIONS": '{"allow_http": "true"}',
            "SX_PORT": "81",
            "SX_PODS_PORT": "82",
            "SX_PODS_AT_API_PORT": "never",
            "SX_LOG_LEVEL": "debug",
            "SX_LOG_FORMAT": "plain",
            "SX_AUTH_MODE": "none",
            "SX_PUBLIC_URL": "https://api.example.com/sx/",
            "SX_NAMESPACES": "team-a, team-b",
            "SX_CORS_ORIGINS": "https://app.example.com",
            "SX_SOURCE_LIMIT": "1.5Gi",
            "SX_SOURCE_UPLOADS": "1",
            "SX_BUILD_CA_FILE": "/etc/ca.crt",
            "SX_TRUSTED_PROXIES": "10.42.0.0/16, fd00::1",
            "SX_ACCELERATORS": '{"NVIDIA_TESLA_T4": "nvidia.com/gpu"}',
            "SX_CONSOLE_OPEN_ID_CONNECT": '{"issuer": "https://id.example.com/", "clientId": "c"}',
        }
    )
    assert settings.console_open_id_connect == IdentityProvider("https://id.example.com/", "c", ("openid",))
    assert (settings.pods_port, settings.pods_at_api_port) == (82, "never")
    assert (settings.auth_mode, settings.public_url) == ("none", "https://api.example.com/sx")
    assert settings.accelerators.resource_of("NVIDIA_TESLA_T4") == "nvidia.com/gpu"
    assert settings.namespaces == ("team-a", "team-b")
    assert (settings.source_limit, settings.source_uploads) == (1536 * 1024**2, 1)
    assert settings.build_ca_file == "/etc/ca.crt"
    assert settings.cors_origins == ("https://app.example.com",)
    assert [str(network) for network in settings.trusted_proxies] == ["10.42.0.0/16", "fd00::1/128"]
    assert settings.store_options == {"allow_http": "true"}
    assert (settings.port, settings.log_level, settings.log_format) == (81, "DEBUG", "plain")


@pytest.mark.parametrize(
    "wrong",
    [
        {"SX_AUTH_MODE": "maybe"},
        {"SX_ACCELERATORS": "NVIDIA_TESLA_T4=nvidia.com/gpu"},
        {"SX_ACCELERATORS": '{"NVIDIA_TESLA_T4": "gpu"}'},
        {"SX_ACCELERATORS": '{"NVIDIA_TESLA_T4": "kubernetes.io/gpu"}'},
        {"SX_ACCELERATORS": '{"NVIDIA_TESLA_T4": 1}'},
        {"SX_ACCELERATORS": '{"NONE": "nvidia.com/gpu"}'},
        {"SX_ACCELERATORS": '{"A": "nvidia.com/gpu", "B": "nvidia.com/gpu"}'},
        {"SX_SOURCE_LIMIT": "a lot"},
        {"SX_SOURCE_UPLOADS": "0"},
        {"SX_TOKEN_SECONDS": "599"},
        {"SX_TRUSTED_PROXIES": "10.42.0.1/16"},
        {"SX_PUBLIC_URL": "services.example.com"},
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
        GatewaySettings.from_environment(NEEDED | wrong)


@pytest.mark.parametrize(
    ("given", "member"),
    [
        ({"issuer": "http://id.example.com"}, "issuer"),
        ({"issuer": "https://id.example.com; script-src *"}, "issuer"),
        ({"issuer": "https://id.example.com https://evil.example"}, "issuer"),
        ({"issuer": "https://ada@id.example.com"}, "issuer"),
        ({"issuer": "https://id.example.com?tenant=1"}, "issuer"),
        ({"issuer": "https://id.example.com/\n"}, "issuer"),
        ({"issuer": 1}, "issuer"),
        ({"clientId": ""}, "clientId"),
        ({"clientId": None}, "clientId"),
        ({"scopes": ["email"]}, "scopes"),
        ({"scopes": "openid"}, "scopes"),
        ({"scopes": ["openid", "two words"]}, "scopes"),
        ({"clientSecret": "s3cret"}, "clientSecret"),
    ],
)
def test_an_identity_provider_that_cannot_be_one_is_refused_by_member_and_never_becomes_a_header(
    given, member
):
    told = {"issuer": "https://id.example.com", "clientId": "console", **given}
    with pytest.raises(SettingsError, match=f"SX_CONSOLE_OPEN_ID_CONNECT.*{member}") as refused:
        GatewaySettings.from_environment(NEEDED | {"SX_CONSOLE_OPEN_ID_CONNECT": json.dumps(told)})
    assert "s3cret" not in str(refused.value)
