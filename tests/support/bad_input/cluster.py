"""Bad inputs that only the cluster can tell: what is named is not there, refused or too large."""

from typing import Final

from tests.support.bad_input.case import (
    FAST,
    IMAGE_LIMIT,
    MINUTE,
    START_LIMIT,
    BadInput,
    RefusedBy,
    with_hello,
)
from tests.support.cluster import RESOURCE_QUOTAS
from tests.support.sandbox import Sandbox, program


def _unbound_claim(sandbox: Sandbox) -> None:
    sandbox.claim("pool", storage_class="no-such-class")


def _quota(sandbox: Sandbox) -> None:
    sandbox.cluster.create(
        RESOURCE_QUOTAS, sandbox.name, {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    )


CLUSTER_CASES: Final = (
    BadInput(
        "no-secret",
        "A Secret that is not there",
        RefusedBy.OPERATOR,
        'A Secret that the spec names does not exist. secret "nowhere" not found',
        with_hello(
            secrets={"token": {"secretKeyRef": {"name": "nowhere", "key": "first"}}}, startTimeout=FAST
        ),
        reason="SecretNotFound",
        when=MINUTE,
    ),
    BadInput(
        "no-secret-key",
        "A Secret without the key",
        RefusedBy.OPERATOR,
        "A Secret lacks the key that the spec names. couldn't find key second in Secret <namespace>/tokens",
        with_hello(
            secrets={"token": {"secretKeyRef": {"name": "tokens", "key": "second"}}}, startTimeout=FAST
        ),
        reason="SecretKeyNotFound",
        when=MINUTE,
        prepare=lambda sandbox: sandbox.secret("tokens", first="x"),
    ),
    BadInput(
        "no-env-config-map",
        "`env` from a ConfigMap that is not there",
        RefusedBy.OPERATOR,
        'A ConfigMap or a key of it does not exist. configmap "nowhere" not found',
        with_hello(
            env=[{"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "nowhere", "key": "mode"}}}],
            startTimeout=FAST,
        ),
        reason="ConfigMapNotFound",
        when=MINUTE,
    ),
    BadInput(
        "no-claim",
        "A PersistentVolumeClaim that is not there",
        RefusedBy.OPERATOR,
        "A PersistentVolumeClaim that the spec names does not exist. <nodes>persistentvolumeclaim "
        '"nowhere" not found<rest>',
        with_hello(
            dataPools={"data": {"persistentVolumeClaim": {"claimName": "nowhere"}}}, startTimeout=FAST
        ),
        reason="VolumeClaimNotFound",
        when=MINUTE,
    ),
    BadInput(
        "no-service-account",
        "A ServiceAccount that is not there",
        RefusedBy.OPERATOR,
        "The ServiceAccount that the spec names does not exist. Error creating: pods <pod> is forbidden: error "
        "looking up service account <namespace>/nobody: serviceaccount <name> not found",
        with_hello(serviceAccountName="nobody", startTimeout=FAST),
        reason="ServiceAccountNotFound",
        when=MINUTE,
    ),
    BadInput(
        "image-name",
        "An image name that is no reference",
        RefusedBy.OPERATOR,
        "The image's name is not a valid reference. Failed to apply default image tag \"Not A Name\": couldn't "
        'parse image name "Not A Name": invalid reference format<rest>',
        {"runtime": {"docker": {"image": "Not A Name"}}, "startTimeout": FAST},
        reason="InvalidImageName",
    ),
    BadInput(
        "no-image-on-node",
        "An image that is not on the node, with `imagePullPolicy: Never`",
        RefusedBy.OPERATOR,
        "The image does not exist in its registry. Container image <image> is not present with pull policy of Never",
        {
            "runtime": {"docker": {"image": "localhost/nothing:1", "imagePullPolicy": "Never"}},
            "startTimeout": FAST,
        },
        reason="ImageNotFound",
    ),
    BadInput(
        "no-command",
        "A command that the image does not have",
        RefusedBy.OPERATOR,
        'The container could not be started. <runtime>exec: "/no/such/program": stat /no/such/program: no such '
        "file or directory<rest>",
        {"runtime": {"docker": {"image": "localhost/test-program:1", "command": ["/no/such/program"]}}},
        reason="StartFailed",
    ),
    BadInput(
        "large-secret",
        "A secret of more than 128 KiB",
        RefusedBy.OPERATOR,
        "A secret or a variable is larger than a program can be started with (128 KiB each).",
        with_hello(secrets={"token": {"secretKeyRef": {"name": "tokens", "key": "first"}}}),
        reason="EnvironmentTooLarge",
        prepare=lambda sandbox: sandbox.secret("tokens", first="x" * 140_000),
    ),
    BadInput(
        "root-in-restricted",
        "Running as root in a namespace that enforces Pod Security restricted",
        RefusedBy.OPERATOR,
        "The namespace's rules refuse the pod. Error creating: pods <pod> is forbidden: violates PodSecurity "
        "<what>",
        with_hello(securityContext={"runAsUser": 0, "runAsNonRoot": False}, startTimeout=FAST),
        reason="PodRefused",
        when=MINUTE,
    ),
    BadInput(
        "quota",
        "A namespace whose quota has no room",
        RefusedBy.OPERATOR,
        "The namespace's quota has no room for the pod. Error creating: pods <pod> is forbidden: exceeded quota: "
        "none, requested: pods=1, used: pods=0, limited: pods=0",
        with_hello(startTimeout=FAST),
        reason="QuotaExceeded",
        when=START_LIMIT,
        prepare=_quota,
    ),
    BadInput(
        "requests-over-limits",
        "A request above its limit",
        RefusedBy.OPERATOR,
        "The spec cannot be run as it is. <job>must be less than or equal to memory limit of 1Mi<rest>",
        with_hello(resources={"requests": {"memory": "2Mi"}, "limits": {"memory": "1Mi"}}),
        reason="InvalidSpec",
    ),
    BadInput(
        "unschedulable",
        "A node selector that no node has",
        RefusedBy.OPERATOR,
        "No node has room for the pod. 0/<n> nodes are available: <why>",
        with_hello(nodeSelector={"there-is-no": "such-node"}, startTimeout=FAST),
        reason="Unschedulable",
        when=START_LIMIT,
    ),
    BadInput(
        "unbound-claim",
        "A PersistentVolumeClaim that gets no volume",
        RefusedBy.OPERATOR,
        "A PersistentVolumeClaim is not bound to a volume. <why>unbound immediate PersistentVolumeClaims<rest>",
        with_hello(dataPools={"data": {"persistentVolumeClaim": {"claimName": "pool"}}}, startTimeout=FAST),
        reason="VolumeNotBound",
        when=START_LIMIT,
        prepare=_unbound_claim,
    ),
    BadInput(
        "no-priority-class",
        "A priority class that is not there",
        RefusedBy.OPERATOR,
        "The namespace's rules refuse the pod. Error creating: pods <pod> is forbidden: no PriorityClass with name "
        "no-such-class was found",
        with_hello(priorityClassName="no-such-class", startTimeout=FAST),
        reason="PodRefused",
        when=MINUTE,
    ),
    BadInput(
        "no-runtime-class",
        "A runtime class that is not there",
        RefusedBy.OPERATOR,
        "The namespace's rules refuse the pod. <error>RuntimeClass <name> not found",
        with_hello(runtimeClassName="no-such-class", startTimeout=FAST),
        reason="PodRefused",
        when=MINUTE,
    ),
    BadInput(
        "broken-pod-template",
        "A `podTemplate` that makes no pod",
        RefusedBy.OPERATOR,
        "The spec cannot be run as it is. <error>",
        with_hello(podTemplate={"spec": {"containers": [{"name": "more"}]}}, startTimeout=FAST),
        reason="InvalidSpec",
    ),
    BadInput(
        "out-of-memory",
        "A program that uses more memory than its limit",
        RefusedBy.OPERATOR,
        "The program used more memory than its limit and was killed. It had reached its limit of 48Mi: "
        "raise spec.resources.limits.memory, or set spec.retry.onOutOfMemory.",
        {
            "runtime": program("x = bytearray(400 * 1024**2); print(len(x))"),
            "resources": {"limits": {"memory": "48Mi"}},
        },
        reason="OutOfMemory",
        when="when it happens",
    ),
    BadInput(
        "too-much-output",
        "A program that writes more output than `output.limit`",
        RefusedBy.OPERATOR,
        "The program wrote more output than spec.output.limit. Not kept: large.bin: <why>",
        {
            "runtime": program("open('/var/runtime/output/large.bin', 'wb').write(bytes(2_000_000))"),
            "output": {"limit": "1Mi"},
        },
        reason="OutputLimitExceeded",
        when="at its end",
    ),
    BadInput(
        "no-such-image",
        "An image that cannot be pulled, for whatever reason",
        RefusedBy.OPERATOR,
        "The image <could not be pulled or does not exist><rest>",
        {"runtime": {"docker": {"image": "registry.invalid/nothing:1"}}, "startTimeout": FAST},
        reason="ImagePullFailed",
        when=f"not found or no access: {IMAGE_LIMIT}; else {START_LIMIT}",
    ),
)
