"""Alerts about executions and builds that the cluster fails."""

from typing import Final

from serviceexecution.builds import reasons as build_reasons
from serviceexecution.executions import reasons
from tools.monitoring.alert import Alert, grown, of_platform

_LOST: Final = frozenset({reasons.Reason.RESULT_MISSING, reasons.Reason.LOG_MISSING})
"""Of these there is an alert of their own."""
_CLUSTER_REASONS: Final = of_platform(reasons.MEANINGS.items(), _LOST)
_BUILD_REASONS: Final = of_platform(build_reasons.MEANINGS.items(), frozenset())

ALERTS: Final = (
    Alert(
        name="ServiceExecutionClusterFails",
        query=grown(
            f'serviceexecution_transitions_total{{phase="Failed",reason=~"{_CLUSTER_REASONS}"}}',
            "30m",
            "namespace, reason",
        )
        + " > 2",
        lasting="0m",
        severity="warning",
        summary=("{{ $value | humanize }} executions failed with {{ $labels.reason }} in 30 minutes."),
        meaning=(
            "These reasons are the cluster's: the people whose executions they are can do nothing about them."
        ),
        steps=(
            "[reasons-shown.md](reasons-shown.md) says for each reason what to do.",
            ("`kubectl get sx -A -o wide` shows the messages, which name node, claim or webhook."),
        ),
    ),
    Alert(
        name="ServiceExecutionBuildsFail",
        query=grown(
            f'serviceexecution_build_transitions_total{{phase="Failed",reason=~"{_BUILD_REASONS}"}}',
            "1h",
            "namespace, reason",
        )
        + " > 0",
        lasting="0m",
        severity="warning",
        summary="{{ $value | humanize }} builds failed with {{ $labels.reason }} in an hour.",
        meaning=("These reasons are the installation's. Services go on with the revision that they have."),
        steps=(
            (
                "`kubectl get sxd -A -o wide` shows the message, which names the registry, "
                "the node or the pod."
            ),
            (
                "`RegistryUnavailable`, `RegistryRefused`, `RegistryFull`: the registry of "
                "`builds.registry.address`, and the Secret with its credentials in the "
                "namespace."
            ),
            (
                "`NoBuilder`: the message says what the namespace lacks: [the two "
                "builders](builds.md#the-two-builders)."
            ),
        ),
    ),
    Alert(
        name="ServiceExecutionBuildsWait",
        query='max by (namespace) (serviceexecution_builds{phase="Pending"}) > 0',
        lasting="1h",
        severity="warning",
        summary="{{ $value | humanize }} builds have waited for an hour.",
        meaning=(
            "Builds wait for others, for their source or for a node. Services go on with the "
            "revision that they have."
        ),
        steps=(
            "`kubectl get sxd -A -o wide`: the message says what each waits for.",
            (
                "`Queued`: raise `builds.concurrency`, or find the builds that take long: "
                "`kubectl get jobs -A -l serviceexecution.dev/definition-uid`."
            ),
            ("`SourceMissing`: the archive was never uploaded; its owner has to run `sx deploy` again."),
        ),
    ),
)
