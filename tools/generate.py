"""Writes every generated file, or with ``--check`` names those that are stale: ``python -m tools.generate``."""

import argparse
import json
import sys
from collections.abc import Sequence

from serviceexecution.resources.receipt_schema import RECEIPT_SCHEMA
from tools import ROOT
from tools.chart.install_manifest import CHART, INSTALL_MANIFEST, install_manifest
from tools.chart.values import ValuesError, parse_values
from tools.chart.values_schema import values_schema
from tools.chart.values_table import replace_table
from tools.custom_resources import chart_definitions, definitions
from tools.editor_schemas import editor_schemas
from tools.errors import GenerationError
from tools.monitoring.dashboard import DASHBOARD_FILE, dashboard_file
from tools.monitoring.rules import RULES_FILE, rules_file
from tools.pages.command_line import PAGE as COMMAND_PAGE
from tools.pages.command_line import command_page
from tools.pages.field_reference import PAGE as FIELD_PAGE
from tools.pages.field_reference import replace_reference
from tools.pages.metrics_table import PAGE as OPERATIONS_PAGE
from tools.pages.metrics_table import replace_metrics
from tools.pages.reason_table import PAGE as REASON_PAGE
from tools.pages.reason_table import replace_reasons
from tools.pages.reasons_shown import PAGE as REASONS_SHOWN_PAGE
from tools.pages.reasons_shown import reasons_shown
from tools.pages.rights import replace_rights
from tools.pages.runbooks import RUNBOOKS_PAGE, runbooks
from tools.pages.samples_index import SAMPLES, read_samples, samples_index
from tools.pages.settings_table import PAGE as SETTINGS_PAGE
from tools.pages.settings_table import replace_settings
from tools.pages.truth_table import PAGE as TRUTH_PAGE
from tools.pages.truth_table import truth_table
from tools.pod_fields import FIELDS_FILE, pod_template_fields


def generated_files() -> dict[str, str]:
    """Return path (from the repository's root) → text of every generated file.

    Raises GenerationError when a source is wrong or Helm is missing.
    """
    try:
        values = parse_values((ROOT / CHART / "values.yaml").read_text())
    except ValuesError as error:
        raise GenerationError(f"{CHART}/values.yaml: {error}") from error
    crds = definitions()
    readme = ROOT / CHART / "README.md"
    chart_files = {
        "values.schema.json": values_schema(values),
        "README.md": replace_table(readme.read_text(), values),
        **chart_definitions(crds),
        RULES_FILE: rules_file(),
        DASHBOARD_FILE: dashboard_file(),
    }
    return {
        **crds,
        **editor_schemas(),
        **{f"{CHART}/{path}": text for path, text in chart_files.items()},
        f"{SAMPLES}/README.md": samples_index(read_samples()),
        INSTALL_MANIFEST: install_manifest(chart_files),
        COMMAND_PAGE: command_page(),
        FIELDS_FILE: pod_template_fields(),
        FIELD_PAGE: replace_reference((ROOT / FIELD_PAGE).read_text()),
        OPERATIONS_PAGE: replace_rights(replace_metrics((ROOT / OPERATIONS_PAGE).read_text())),
        "docs/receipt.schema.json": json.dumps(RECEIPT_SCHEMA, indent=2) + "\n",
        TRUTH_PAGE: truth_table(),
        REASON_PAGE: replace_reasons((ROOT / REASON_PAGE).read_text()),
        REASONS_SHOWN_PAGE: reasons_shown(),
        RUNBOOKS_PAGE: runbooks(),
        SETTINGS_PAGE: replace_settings((ROOT / SETTINGS_PAGE).read_text()),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    check: bool = parser.parse_args(arguments).check
    try:
        wanted = generated_files()
    except GenerationError as error:
        print(error, file=sys.stderr)
        return 2
    stale = sorted(
        path
        for path, text in wanted.items()
        if not (ROOT / path).is_file() or (ROOT / path).read_text() != text
    )
    if check:
        for path in stale:
            print(f"{path} is stale: run python -m tools.generate and commit what it writes", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(wanted[path])
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
