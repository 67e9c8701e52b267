"""What an execution's children are refused for by the API server."""

from serviceexecution.controller.job_actions import is_final
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.reasons import Reason
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.resources.pods.pod_start import is_webhook_failure, lacks_quota


def refusal(error: KubernetesError) -> PlanProblem | None:
    """Return what the API server refuses; None when it did not say, and a later try may succeed."""
    text = str(error)
    if is_webhook_failure(text):
        return PlanProblem(Reason.WEBHOOK_FAILED, text, waiting=True)
    if not is_final(error):
        return None
    if error.status == 403:
        if lacks_quota(text):
            return PlanProblem(Reason.QUOTA_EXCEEDED, text, waiting=True)
        return PlanProblem(Reason.POD_REFUSED, text)
    if error.is_too_large:
        return PlanProblem(Reason.INVALID_INPUT, f"It is larger than the cluster can hold: {text}")
    return PlanProblem(Reason.INVALID_SPEC, text)
