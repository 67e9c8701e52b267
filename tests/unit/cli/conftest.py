import sys

import pytest

from serviceexecution.cli import main, watching
from serviceexecution.cli.deploy import retry_failed
from tests.unit.cli.fake_cluster import FakeCluster


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    found = FakeCluster()
    monkeypatch.setenv("KUBECONFIG", str(found.kubeconfig(tmp_path / "kubeconfig")))
    for name in ("SX_ACCOUNT", "SERVICE_URL", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SX_GATEWAY", "sx-system/sx-gateway")
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(retry_failed, "_SETTLE_SECONDS", 0.05)
    yield found
    found.close()


@pytest.fixture
def sx(monkeypatch, capsys):
    """Run a command line; gives exit code, stdout and stderr."""

    def run(*argv):
        monkeypatch.setattr(sys, "argv", ["sx", *(str(word) for word in argv)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.main()
        code = ended.value.code
        if isinstance(code, str):  # as the interpreter does
            sys.stderr.write(f"{code}\n")
            code = 1
        printed = capsys.readouterr()
        return code or 0, printed.out, printed.err

    return run
