"""What a submission becomes in the cluster: a ConfigMap, a Secret and the execution. Pure."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.input.configmap_keys import configmap_keys
from serviceexecution.contract.input.input_files import property_names, split_config_map
from serviceexecution.contract.input.submission import Submission
from serviceexecution.contract.json_types import JsonObject, JsonValue, metadata_of, object_at, text_of
from serviceexecution.contract.paths import PROPERTY_FILE_SUFFIX
from serviceexecution.resources.execution_token import SECRET_KEY, token_digest
from serviceexecution.resources.names import (
    ANNOTATION_EXECUTION_TOKEN,
    ANNOTATION_INPUT_PROPERTIES,
    ANNOTATION_JOB,
    ANNOTATION_REQUEST_DIGEST,
    ANNOTATION_RUN_SECRET,
    ANNOTATION_RUN_SECRET_UID,
    ANNOTATION_SUBMITTED_BY,
    ANNOTATION_TRACEPARENT,
    API_GROUP,
    API_VERSION,
    KIND,
    LABEL_INPUT_RETENTION,
    LABEL_LIFETIME,
    LABEL_MANAGED_BY,
    LABEL_PARENT,
    LABEL_SUBMISSION,
    LIFETIME_RUN,
    MANAGED_BY,
    SUBMISSION_ADOPTED,
)

_SECRET_KEY: Final = "secret-{}"  # noqa: S105 - a key of a Secret
"""Keys of the Secret are numbers: names of secrets need not be legal keys."""


@dataclass(frozen=True, slots=True)
class SubmissionObjects:
    """In the order in which they are made."""

    config_map: JsonObject | None
    """Also without properties when there is a Secret, which goes with it."""
    secret: JsonObject | None
    execution: JsonObject


def submission_objects(
    submission: Submission,
    *,
    name: str,
    service: str,
    username: str,
    digest: str | None,
    job: str | None = None,
    parent: str | None = None,
    token: str | None = None,
    input_retention: int | None = None,
    traceparent: str | None = None,
    modified: Mapping[str, str] | None = None,
) -> SubmissionObjects:
    """Return the objects of the execution ``name`` of a service; ``digest`` tells repeated requests apart.

    ``job`` is what the execution says of itself as a job, ``parent`` the uid of the execution that has started it, and
    ``token`` what shows which execution its program is. ``input_retention`` is for how many seconds after the end the
    input is kept; None: as long as the execution. ``traceparent`` is the caller's trace. ``modified`` are properties
    and the names of the DataPools that the program may modify.
    """
    annotations: dict[str, JsonValue] = {ANNOTATION_SUBMITTED_BY: username}
    if digest is not None:
        annotations[ANNOTATION_REQUEST_DIGEST] = digest
    if job is not None:
        annotations[ANNOTATION_JOB] = job
    if traceparent is not None:
        annotations[ANNOTATION_TRACEPARENT] = traceparent
    spec: JsonObject = {"serviceRef": {"name": service}, **_opened(modified or {})}
    if submission.properties:
        spec["inputFrom"] = {"configMapRef": {"name": name}}
    if submission.tags:
        spec["tags"] = list(submission.tags)
    labels: JsonObject = {LABEL_SUBMISSION: name}
    retention: JsonObject = {} if input_retention is None else {LABEL_INPUT_RETENTION: str(input_retention)}
    labels |= retention
    if parent is not None:
        labels[LABEL_PARENT] = parent
    secret = None
    if submission.secrets or token is not None:
        keys = {secret: _SECRET_KEY.format(number) for number, secret in enumerate(submission.secrets)}
        if keys:
            spec["secrets"] = {
                secret: {"secretKeyRef": {"name": name, "key": key}} for secret, key in keys.items()
            }
        annotations[ANNOTATION_RUN_SECRET] = name
        if token is not None:
            annotations[ANNOTATION_EXECUTION_TOKEN] = token_digest(token)
        secret = _secret(submission, name, keys, digest, token)
    config_map = None
    if submission.properties or secret is not None:
        config_map = _config_map(submission, name, digest, retention)
    execution: JsonObject = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": KIND,
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "spec": spec,
    }
    return SubmissionObjects(config_map, secret, execution)


ADOPTED_PATCH: Final[JsonObject] = {"metadata": {"labels": {LABEL_SUBMISSION: SUBMISSION_ADOPTED}}}
"""Says of a ConfigMap that its execution owns it."""


def with_secret_uid(execution: JsonObject, secret: JsonObject) -> JsonObject:
    """Return the execution with the uid of its Secret, as stored, so that no other Secret is ever deleted for it."""
    uid, metadata = metadata_of(secret).get("uid"), metadata_of(execution)
    annotations = metadata.get("annotations")
    if not isinstance(uid, str) or not isinstance(annotations, dict):
        return execution
    return {
        **execution,
        "metadata": {**metadata, "annotations": {**annotations, ANNOTATION_RUN_SECRET_UID: uid}},
    }


def owner_patch(execution_name: str, execution_uid: str) -> JsonObject:
    """Return the patch that makes a submission's ConfigMap go with its execution."""
    owner: JsonObject = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": KIND,
        "name": execution_name,
        "uid": execution_uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
    labels: JsonObject = {LABEL_SUBMISSION: SUBMISSION_ADOPTED}
    return {"metadata": {"ownerReferences": [owner], "labels": labels}}


def _opened(modified: Mapping[str, str]) -> JsonObject:
    """Return the member of a spec that opens data pools for writing; none without any."""
    pools: JsonObject = {
        name: {"dataPoolRef": {"name": pool}, "readOnly": False} for name, pool in modified.items()
    }
    return {"dataPools": pools} if pools else {}


def _config_map(submission: Submission, name: str, digest: str | None, retention: JsonObject) -> JsonObject:
    entries = configmap_keys(submission.properties)
    names = {entry.key: entry.path.removesuffix(PROPERTY_FILE_SUFFIX) for entry in entries}
    odd: dict[str, str] = {
        key: property_name
        for key, property_name in names.items()
        if key.removesuffix(PROPERTY_FILE_SUFFIX) != property_name
    }
    annotations: dict[str, JsonValue] = {}
    if odd:
        annotations[ANNOTATION_INPUT_PROPERTIES] = json.dumps(odd, ensure_ascii=False)
    if digest is not None:
        annotations[ANNOTATION_REQUEST_DIGEST] = digest
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": _labels(name) | retention, "annotations": annotations},
        "immutable": True,
        "data": {entry.key: entry.text for entry in entries},
    }


def stored_properties(config_map: JsonObject) -> dict[str, str]:
    """Return the properties (name → JSON text) that a submission's ConfigMap holds; raises InputError."""
    annotation = object_at(config_map, "metadata", "annotations").get(ANNOTATION_INPUT_PROPERTIES)
    names = property_names(annotation if isinstance(annotation, str) else None, field="the ConfigMap")
    data = {key: text_of(value) for key, value in object_at(config_map, "data").items()}
    return split_config_map(data, field="the ConfigMap", names=names)


def _secret(
    submission: Submission, name: str, keys: dict[str, str], digest: str | None, token: str | None
) -> JsonObject:
    values = {keys[secret]: value for secret, value in submission.secrets.items()}
    if token is not None:
        values[SECRET_KEY] = token
    data: JsonObject = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    annotations: JsonObject = {} if digest is None else {ANNOTATION_REQUEST_DIGEST: digest}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "labels": {**_labels(name), LABEL_LIFETIME: LIFETIME_RUN},
            "annotations": annotations,
        },
        "immutable": True,
        "type": "Opaque",
        "data": data,
    }


def _labels(name: str) -> dict[str, JsonValue]:
    return {LABEL_SUBMISSION: name, LABEL_MANAGED_BY: MANAGED_BY}
