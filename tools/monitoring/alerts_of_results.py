"""Alerts about results, logs and the store."""

from typing import Final

from serviceexecution.executions.reasons import Reason
from tools.monitoring.alert import Alert, grown

_LOST: Final = f"{Reason.RESULT_MISSING}|{Reason.LOG_MISSING}"

ALERTS: Final = (
    Alert(
        name="ServiceExecutionStoreUnanswered",
        query="max by (namespace) (serviceexecution_store_unanswered_seconds) > 60",
        lasting="2m",
        severity="critical",
        summary="The results store has not answered for {{ $value | humanizeDuration }}.",
        meaning=(
            "Outputs and logs cannot be kept, and results cannot be read. Collectors ask "
            "again until `collectTimeout` has passed; states, cancels and submits need no "
            "store."
        ),
        steps=(
            (
                "The controller's log and Event `StoreUnavailable` quote the store's answer: "
                "`kubectl get events -n serviceexecution-system`."
            ),
            ("A bucket: credentials that have ended, a rule of the network, or the provider."),
            "A volume: is the claim bound, and is its node there?",
        ),
    ),
    Alert(
        name="ServiceExecutionLogStoreErrors",
        query=f"{grown('serviceexecution_log_store_errors_total', '15m', 'namespace')} > 5",
        lasting="15m",
        severity="warning",
        summary=("Logs could not be written to the store {{ $value | humanize }} times in 15 minutes."),
        meaning=(
            "Each write is repeated, so that nothing is lost yet. Executions stay Collecting "
            "until their log is kept."
        ),
        steps=(
            "The controller's log says what the store answered.",
            "Is the volume full? Enlarge the claim, or shorten `store.retention`.",
        ),
    ),
    Alert(
        name="ServiceExecutionSweepRefused",
        query="max by (namespace) (serviceexecution_sweep_refused) == 1",
        lasting="15m",
        severity="warning",
        summary="Results are not deleted, since too many would go at once.",
        meaning=(
            "More than half of the stored results look as if their execution were gone. That "
            "is how a restored backup of the cluster looks, or a store that two clusters "
            "share. Nothing is deleted, and the store grows."
        ),
        steps=(
            ("Do the executions exist? `kubectl get sx -A | wc -l` against what you expect."),
            "Do two clusters write under one `store.clusterId`? Give each its own.",
            (
                "When so many were really deleted: set `store.sweep.allowBulk`, let one sweep "
                "pass, and take it back."
            ),
        ),
    ),
    Alert(
        name="ServiceExecutionResultsLost",
        query=grown(
            f'serviceexecution_transitions_total{{reason=~"{_LOST}"}}',
            "1h",
            "namespace, reason",
        )
        + " > 0",
        lasting="0m",
        severity="warning",
        summary="{{ $value | humanize }} executions ended with {{ $labels.reason }} in an hour.",
        meaning=(
            "A program has ended and its output or part of its log is not there. The message "
            "of each execution says which part, and what happened to the pod."
        ),
        steps=(
            (
                "`kubectl get sx -A -o wide | grep -E 'ResultMissing|LogMissing'`: which, and "
                "on which node did they run?"
            ),
            (
                "A node that was lost or drained takes with it what was not collected yet: "
                "[nodes that fall silent](operations.md#nodes-that-fall-silent)."
            ),
            (
                "Could the collector reach the gateway? A NetworkPolicy between the namespace "
                "and the gateway is the most frequent cause."
            ),
        ),
    ),
    Alert(
        name="ServiceExecutionLogGaps",
        query=f"{grown('serviceexecution_log_gaps_total', '1h', 'namespace')} > 0",
        lasting="0m",
        severity="warning",
        summary=("{{ $value | humanize }} logs were rotated away in the last hour before they were read."),
        meaning=(
            "Programs print faster than the log is read, or the controller was away. Lines "
            "are missing in these logs; results are whole."
        ),
        steps=(
            (
                "Raise the kubelet's `containerLogMaxSize` and `containerLogMaxFiles`: "
                "[limits](operations.md#limits)."
            ),
            (
                "Was the controller away? `serviceexecution_log_resumes_total` by cause says "
                "why streams were opened again."
            ),
        ),
    ),
)
