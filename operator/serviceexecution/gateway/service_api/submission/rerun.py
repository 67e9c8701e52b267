"""An execution that has run is run again, as it was or with changed members. One place for both APIs."""

from dataclasses import replace
from http import HTTPStatus

from starlette.requests import Request

from serviceexecution.contract.input.submission import Submission
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.http.traces import trace_of_new_execution
from serviceexecution.gateway.service_api.context import Call, ServiceContext
from serviceexecution.gateway.service_api.submission.beside import beside
from serviceexecution.gateway.service_api.submission.intake import Asked, Intake
from serviceexecution.gateway.service_api.submission.kept_input import KeptInput, kept_input
from serviceexecution.gateway.service_api.submission.nested_input import BODY_LIMIT, changes, tagged
from serviceexecution.gateway.service_api.submission.submitter import Submitted
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.parents import parent_of


async def rerun_of(
    context: ServiceContext,
    intake: Intake,
    request: Request,
    call: Call,
    execution: KnownExecution,
    *,
    key: str | None,
    job: str | None = None,
) -> Submitted:
    """Make an execution with the input of this one, and what the request's body changes of it.

    The caller may run the service of ``call`` and read the execution. Raises Problem 400, 413, 503, KubernetesError.
    """
    namespace = execution.namespace
    async with intake.body(request, namespace, limit=BODY_LIMIT) as body:
        changed, tags = await beside(namespace, len(body), changes, body)
        kept = await kept_input(context.client, execution)
        parent = await parent_of(context.state, request, namespace)
        trace = trace_of_new_execution(request)
        asked = Asked(body, key, lambda _: _changed(kept, changed, tags), job, kept.size, parent, trace)
        await intake.pay(namespace, kept.size)
        return await intake.submit(call, asked)


def key_of_rerun(execution: KnownExecution, key: str | None) -> str | None:
    """Return a key that is another one than the same text for another kind of request."""
    return None if key is None else f"rerun {execution.uid}\0{key}"


def _changed(kept: KeptInput, changed: Submission, tags: tuple[str, ...] | None) -> Submission:
    """Return what a rerun runs with; raises Problem 400 when secrets are missing, whose values are never kept."""
    missing = sorted(kept.secrets - set(changed.secrets))
    if missing:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "SecretsNeeded",
            f"The values of secrets are not kept; send them again in input.$secrets: {', '.join(missing[:20])}.",
            members={"path": "$.input.$secrets", "secrets": [*missing]},
        )
    properties = {**kept.properties, **changed.properties}
    to_modify = (kept.to_modify & kept.properties.keys()) - changed.properties.keys() | changed.to_modify
    submission = replace(changed, properties=properties, to_modify=to_modify)
    return tagged(submission, kept.tags if tags is None else (*tags, *changed.tags))
