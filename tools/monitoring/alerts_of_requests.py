"""Alerts about requests to the API server and to the gateway."""

from typing import Final

from tools.monitoring.alert import Alert, grown, share_of_errors

ALERTS: Final = (
    Alert(
        name="ServiceExecutionApiThrottled",
        query="sum by (namespace) (rate(serviceexecution_kube_throttle_seconds_total[5m])) > 0.1",
        lasting="15m",
        severity="warning",
        summary="Requests to the API server wait: {{ $value | humanize }} seconds in each second.",
        meaning=(
            "The operator sends as much as it allows itself, or the API server asks it to "
            "slow down. Everything goes on, later."
        ),
        steps=(
            (
                "Does the API server answer 429? `serviceexecution_kube_requests_total` has "
                "`code`. Then its FlowSchemas give the operator's accounts too little."
            ),
            ("Which verb and resource is it? The dashboard's panel of requests to the Kubernetes API."),
            (
                "How much is asked of it? `serviceexecution_transitions_total` tells how many "
                "executions come and go."
            ),
        ),
    ),
    Alert(
        name="ServiceExecutionApiErrors",
        query=share_of_errors(counter="serviceexecution_kube_requests_total", codes="0|5..") + " > 0.05",
        lasting="10m",
        severity="warning",
        summary="{{ $value | humanizePercentage }} of the requests to the API server fail.",
        meaning=(
            "The API server does not answer, or answers with an error. Requests are repeated; "
            "nothing is decided from what could not be read."
        ),
        steps=(
            "`kubectl get --raw /readyz?verbose`: is the API server well?",
            (
                "Code 0 means no answer: the network between the operator's node and the API "
                "server, or its certificate."
            ),
        ),
    ),
    Alert(
        name="ServiceExecutionRequestsRefused",
        query=f"{grown('serviceexecution_kube_requests_refused_total', '15m', 'namespace')} > 10",
        lasting="15m",
        severity="warning",
        summary="{{ $value | humanize }} requests were not sent to the API server in 15 minutes.",
        meaning=(
            "One caller or namespace asks for more than its share. Its own calls are answered "
            "with 429; others do not feel it."
        ),
        steps=(
            (
                "The gateway's log names callers and routes: `kubectl -n "
                "serviceexecution-system logs deploy/serviceexecution-gateway`."
            ),
            (
                "A client that polls without a pause should wait for an execution: "
                "[service-api.md](service-api.md)."
            ),
        ),
    ),
    Alert(
        name="ServiceExecutionGatewayErrors",
        query=share_of_errors(counter="serviceexecution_gateway_requests_total", codes="5..") + " > 0.05",
        lasting="10m",
        severity="warning",
        summary=("{{ $value | humanizePercentage }} of the answers of the gateway are errors of its own."),
        meaning="Clients see 500, 503 or 504. The answer's `detail` says what the gateway lacks.",
        steps=(
            ("`serviceexecution_gateway_requests_total` by `route` and `code`: which calls are they?"),
            (
                "503 is mostly the API server or the store: see "
                "[ServiceExecutionApiErrors](#serviceexecutionapierrors) and "
                "[ServiceExecutionStoreUnanswered](#serviceexecutionstoreunanswered)."
            ),
            "500 is a fault of the gateway: its log has the trace of each.",
        ),
    ),
)
