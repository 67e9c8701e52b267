"""What pip is told where uv has failed, and where it is not asked at all."""

import os
import sys
from pathlib import Path

import pytest

from serviceexecution.launcher.pip_install import (
    BEGIN,
    GAVE_UP,
    CannotTellError,
    install,
    installer,
    pip_environment,
)

IMAGE = {"UV_CACHE_DIR": "/c", "UV_LINK_MODE": "copy", "UV_PYTHON_DOWNLOADS": "never", "PATH": "/bin"}


def fake_pip(tmp_path: Path, code: str) -> Path:
    path = tmp_path / "pip.py"
    path.write_text(f"import os, sys, time\n{code}\n")
    return path


def asked_of(tmp_path: Path, settings: str) -> dict[str, str]:
    file = tmp_path / "uv.toml"
    file.write_text(settings)
    return pip_environment({**IMAGE, "UV_CONFIG_FILE": str(file)})


def test_pip_gets_the_same_cache_and_certificates():
    made = pip_environment({**IMAGE, "SSL_CERT_FILE": "/ca", "NETRC": "/netrc", "HTTPS_PROXY": "http://p"})

    assert made == {
        "PATH": "/bin", "PIP_CONFIG_FILE": os.devnull, "PIP_CACHE_DIR": "/c/pip", "PIP_CERT": "/ca",
        "SSL_CERT_FILE": "/ca", "NETRC": "/netrc", "HTTPS_PROXY": "http://p",
    }  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        'index-url = "https://a/simple"',
        'native-tls = true\n[[index]]\nname = "a"\nurl = "https://a/simple"\ndefault = true',
    ],
)
def test_pip_gets_the_index_of_uv(tmp_path, settings):
    assert asked_of(tmp_path, settings)["PIP_INDEX_URL"] == "https://a/simple"


def test_the_installation_s_index_is_pip_s():
    assert pip_environment({**IMAGE, "UV_DEFAULT_INDEX": "https://m"})["PIP_INDEX_URL"] == "https://m"


@pytest.mark.parametrize(
    "settings",
    [
        'extra-index-url = ["https://b"]',
        '[[index]]\nurl = "https://a"',
        '[[index]]\nurl = "https://a"\ndefault = true\n[[index]]\nurl = "https://b"',
        '[[index]]\nurl = "https://a"\ndefault = true\nexplicit = true',
        "no-build = true",
        'exclude-newer = "2026-01-01"',
        'index-url = "https://a"\n[pip]\nindex-url = "https://b"',
        "index-url = 3",
        "no toml",
    ],
)
def test_what_pip_cannot_be_told_keeps_it_from_being_tried(tmp_path, settings):
    """Else it would look for packages elsewhere than uv does, or build what must not be built."""
    with pytest.raises(CannotTellError):
        asked_of(tmp_path, settings)


@pytest.mark.parametrize("name", ["UV_EXTRA_INDEX_URL", "UV_INDEX", "UV_NO_BUILD", "UV_SOMETHING_NEW"])
def test_a_variable_that_pip_does_not_know_keeps_it_from_being_tried(name, tmp_path, capfd):
    code = install([], {**IMAGE, name: "1"}, pip=fake_pip(tmp_path, "print('ran')"), marker=tmp_path / "m")

    assert code == 1
    assert capfd.readouterr() == ("", f"serviceexecution: pip is not tried, since it knows no {name}.\n")


def test_a_success_is_noted(tmp_path, capfd):
    marker = tmp_path / "marker"
    pip = fake_pip(tmp_path, "print(*sys.argv[1:])")

    assert install(["--requirement", "r.txt"], {**os.environ}, pip=pip, marker=marker) == 0

    out, err = capfd.readouterr()
    assert err == f"{BEGIN}\n"
    assert out.startswith("install --disable-pip-version-check ")
    assert out.endswith(" --requirement r.txt\n")
    assert (installer(marker), installer(tmp_path / "none")) == ("pip", "uv")


def test_a_failure_is_said(tmp_path, capfd):
    marker = tmp_path / "marker"

    assert install([], {}, pip=fake_pip(tmp_path, "sys.exit(3)"), marker=marker) == 1

    assert capfd.readouterr().err == f"{BEGIN}\n{GAVE_UP}\n"
    assert not marker.exists()


def test_pip_may_not_take_for_ever(tmp_path, capfd):
    pip = fake_pip(tmp_path, "time.sleep(600)")

    assert install([], {}, pip=pip, marker=tmp_path / "m", seconds=0.2) == 1

    assert capfd.readouterr().err == f"{BEGIN}\n{GAVE_UP} It took longer than 0.2 seconds.\n"


def test_a_file_of_the_project_is_not_taken_for_a_module_of_pip(tmp_path, tmp_path_factory, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)

    elsewhere = fake_pip(tmp_path_factory.mktemp("pip"), "import json")
    code = install([], {"PYTHONPATH": str(tmp_path)}, pip=elsewhere, marker=tmp_path / "m")

    assert (code, Path(sys.executable).exists()) == (0, True)
