"""Alerts about controller and gateway themselves."""

from typing import Final

from tools.monitoring.alert import Alert, grown

ALERTS: Final = (
    Alert(
        name="ServiceExecutionControllerMissing",
        query="absent(serviceexecution_queue_length)",
        lasting="10m",
        severity="critical",
        summary="Prometheus reads no controller of ServiceExecution.",
        meaning=(
            "No controller runs, or Prometheus cannot read it. Without one nothing new starts "
            "and no end is written; programs that run go on, and their output is kept by the "
            "gateway."
        ),
        steps=(
            ("`kubectl -n serviceexecution-system get pods`: is there a controller, and is it ready?"),
            (
                "`kubectl -n serviceexecution-system logs deploy/serviceexecution-controller "
                "--previous` says why it ended."
            ),
            (
                "When it runs: does the monitor carry the labels by which your Prometheus "
                "selects (`monitoring.labels`), and do its NetworkPolicies "
                "(`networkPolicy.metricsFrom`) let Prometheus in?"
            ),
        ),
    ),
    Alert(
        name="ServiceExecutionNoLeader",
        query="max by (namespace) (serviceexecution_leading) == 0",
        lasting="5m",
        severity="critical",
        summary="No controller in {{ $labels.namespace }} holds the Lease.",
        meaning=("Controllers run, but each waits for the Lease. Nothing new starts and no end is written."),
        steps=(
            ("`kubectl -n serviceexecution-system get leases`: who is the holder, and when was it renewed?"),
            (
                "The controllers' logs say why the Lease could not be taken: mostly a right "
                "that is missing, or an API server that refuses writes."
            ),
            (
                "A holder that no longer exists is replaced by itself after half a minute. "
                "When it is not, delete the Lease."
            ),
        ),
    ),
    Alert(
        name="ServiceExecutionGatewayMissing",
        query="absent(serviceexecution_gateway_active_requests)",
        lasting="10m",
        severity="critical",
        summary="Prometheus reads no gateway of ServiceExecution.",
        meaning=(
            "No gateway runs, or Prometheus cannot read it. Nothing can be submitted by HTTP "
            "and no result be fetched. Programs go on; collectors ask again until "
            "`collectTimeout` has passed."
        ),
        steps=(
            ("`kubectl -n serviceexecution-system get pods`: is there a gateway, and is it ready?"),
            (
                "`kubectl -n serviceexecution-system describe pod` says what it waits for: "
                "mostly the volume of the store, or a store that did not answer at the start."
            ),
            (
                "When it runs, look at monitor and NetworkPolicies as for [the "
                "controller](#serviceexecutioncontrollermissing)."
            ),
        ),
    ),
    Alert(
        name="ServiceExecutionQueueSlow",
        query="max by (namespace) (serviceexecution_queue_oldest_seconds) > 60",
        lasting="5m",
        severity="warning",
        summary="An execution has waited {{ $value | humanizeDuration }} for the controller.",
        meaning=(
            "The controller does not keep up: executions start late and their ends are seen "
            "late. After ten minutes without a turn `/healthz` fails and the controller is "
            "started again."
        ),
        steps=(
            (
                "Is it throttled? `serviceexecution_kube_throttle_seconds_total` grows by the "
                "seconds that requests waited: see "
                "[ServiceExecutionApiThrottled](#serviceexecutionapithrottled)."
            ),
            ("Is the API server slow? `serviceexecution_kube_request_seconds` by verb says so."),
            ("Does the store answer? `serviceexecution_store_unanswered_seconds` is 0 when it does."),
            (
                "Is its CPU limited? `kubectl -n serviceexecution-system top pods`; the chart "
                "sets a request and no limit."
            ),
        ),
    ),
    Alert(
        name="ServiceExecutionNamespacesRefused",
        query="max by (namespace) (serviceexecution_namespaces_refused) > 0",
        lasting="15m",
        severity="warning",
        summary="The controller may not read {{ $value | humanize }} of its namespaces.",
        meaning="Executions in these namespaces stay as they are.",
        steps=(
            "The controller's log names them.",
            (
                "Does each namespace of `watchNamespaces` exist? The chart makes a "
                "RoleBinding in each: `helm upgrade` after a namespace was deleted and made "
                "anew."
            ),
        ),
    ),
    Alert(
        name="ServiceExecutionUnreadableObjects",
        query=f"{grown('serviceexecution_unreadable_objects_total', '1h', 'namespace, kind')} > 0",
        lasting="0m",
        severity="warning",
        summary=("{{ $value | humanize }} objects of kind {{ $labels.kind }} could not be read in an hour."),
        meaning=(
            "Somebody has made a Job or a pod that carries our labels and is not as "
            "Kubernetes writes it. It is passed over; all else goes on."
        ),
        steps=("The controller's log names the object: delete it, or ask who made it.",),
    ),
)
