"""manifests/install.yaml: the chart with its defaults, for those who do not use Helm."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools import ROOT
from tools.errors import GenerationError

CHART: Final = "charts/serviceexecution"
INSTALL_MANIFEST: Final = "manifests/install.yaml"
NAMESPACE: Final = "serviceexecution-system"
_KUBERNETES: Final = "1.31.0"
"""The oldest version that the chart supports; nothing in it depends on the version, and Helm wants one."""

_HEADER: Final = f"""\
# Installs ServiceExecution with the chart's defaults: kubectl apply --server-side -f install.yaml
# Generated from {CHART} by `make generate`; do not edit.
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    app.kubernetes.io/part-of: serviceexecution
    pod-security.kubernetes.io/enforce: restricted
"""
_HELM_LINES: Final = re.compile(
    r"^(# Source: .*| *helm\.sh/chart: .*| *app\.kubernetes\.io/managed-by: Helm)\n", re.MULTILINE
)
"""What says that Helm manages these objects, and would be untrue."""


def install_manifest(chart_files: Mapping[str, str]) -> str:
    """Return the manifest as the chart gives it once ``chart_files`` (path in the chart → text) are written.

    Raises GenerationError when Helm is missing or refuses the chart.
    """
    helm = shutil.which("helm")
    if helm is None:
        raise GenerationError("helm is not in PATH: install Helm 3.19 or newer, or take that of `make env`")
    with tempfile.TemporaryDirectory() as directory:
        chart = Path(directory) / "serviceexecution"
        shutil.copytree(ROOT / CHART, chart)
        for path, text in chart_files.items():
            target = chart / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return _HEADER + _without_helm(_render(helm, chart))


def _render(helm: str, chart: Path) -> str:
    # Nobody runs hooks here, and kubectl knows no resource policy.
    settings = "tests.enabled=false,crds.keep=false,store.persistence.keep=false"
    command = [helm, "template", "serviceexecution", str(chart), "--namespace", NAMESPACE]
    command += ["--kube-version", _KUBERNETES, "--set", settings]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise GenerationError(f"helm template failed: {done.stderr.strip()}")
    return done.stdout


def _without_helm(rendered: str) -> str:
    documents = [
        _HELM_LINES.sub("", f"{document.strip()}\n")
        for document in re.split(r"^---\n", rendered, flags=re.MULTILINE)
    ]
    return "".join(f"---\n{document}" for document in documents if document.strip())
