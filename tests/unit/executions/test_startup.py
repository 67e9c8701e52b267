"""Why a pod does not start: the words of kubelet, scheduler and Job controller, as seen on a real cluster."""

import pytest

from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.startup import creation_problem, start_problem
from tests.unit.executions.builders import LIMITS, condition, pod, unscheduled, waiting


@pytest.mark.parametrize(
    "seen",
    [
        pod(),
        pod(waiting("ContainerCreating")),
        pod(waiting("PodInitializing")),
        pod(waiting("")),
        pod(conditions=(condition("PodScheduled"),)),
    ],
)
def test_a_pod_on_its_way_has_no_problem(seen):
    assert start_problem(seen, LIMITS) is None


@pytest.mark.parametrize(
    ("word", "message", "reason", "limit"),
    [
        (
            "ErrImageNeverPull",
            "Container image not present with pull policy of Never",
            Reason.IMAGE_NOT_FOUND,
            0,
        ),
        ("InvalidImageName", "couldn't parse image name", Reason.INVALID_IMAGE_NAME, 0),
        (
            "ErrImagePull",
            'failed to resolve reference "docker.io/library/x:1": docker.io/library/x:1: not found',
            Reason.IMAGE_NOT_FOUND,
            120,
        ),
        ("ErrImagePull", "manifest unknown: manifest unknown", Reason.IMAGE_NOT_FOUND, 120),
        (
            "ErrImagePull",
            "pull access denied, repository does not exist or may require authorization",
            Reason.IMAGE_PULL_FORBIDDEN,
            120,
        ),
        (
            "ErrImagePull",
            "unexpected status from HEAD request: 403 Forbidden",
            Reason.IMAGE_PULL_FORBIDDEN,
            120,
        ),
        (
            "ErrImagePull",
            "toomanyrequests: You have reached your pull rate limit",
            Reason.IMAGE_PULL_FAILED,
            None,
        ),
        ("ErrImagePull", "pull QPS exceeded", Reason.IMAGE_PULL_FAILED, None),
        ("ErrImagePull", "dial tcp: lookup registry: no such host", Reason.IMAGE_PULL_FAILED, None),
        ("ImagePullBackOff", 'Back-off pulling image "x:1"', Reason.IMAGE_PULL_FAILED, None),
        ("CreateContainerConfigError", 'secret "ibm" not found', Reason.SECRET_NOT_FOUND, 60),
        (
            "CreateContainerConfigError",
            "couldn't find key token in Secret team/ibm",
            Reason.SECRET_KEY_NOT_FOUND,
            60,
        ),
        ("CreateContainerConfigError", 'configmap "settings" not found', Reason.CONFIG_MAP_NOT_FOUND, 60),
        (
            "CreateContainerConfigError",
            "couldn't find key mode in ConfigMap team/settings",
            Reason.CONFIG_MAP_NOT_FOUND,
            60,
        ),
        (
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root",
            Reason.START_FAILED,
            60,
        ),
        ("CreateContainerError", "failed to generate spec: no such device", Reason.START_FAILED, 60),
        ("RunContainerError", "", Reason.START_FAILED, 60),
    ],
)
def test_the_kubelets_words(word, message, reason, limit):
    problem = start_problem(pod(waiting(word, message)), LIMITS)
    assert problem is not None
    assert (problem.reason, problem.limit) == (reason, limit)
    assert problem.detail == (message or word)


@pytest.mark.parametrize(
    ("message", "reason", "limit"),
    [
        (
            '0/1 nodes are available: persistentvolumeclaim "numbers" not found. not found',
            Reason.VOLUME_CLAIM_NOT_FOUND,
            60,
        ),
        (
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            Reason.VOLUME_NOT_BOUND,
            None,
        ),
        (
            "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind.",
            Reason.VOLUME_NOT_BOUND,
            None,
        ),
        ("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", Reason.UNSCHEDULABLE, None),
        ("", Reason.UNSCHEDULABLE, None),
    ],
)
def test_the_schedulers_words(message, reason, limit):
    problem = start_problem(unscheduled(message), LIMITS)
    assert problem is not None
    assert (problem.reason, problem.limit, problem.detail) == (reason, limit, message)


@pytest.mark.parametrize(
    ("message", "reason", "limit"),
    [
        (
            'Error creating: pods "a" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1',
            Reason.QUOTA_EXCEEDED,
            None,
        ),
        (
            'Error creating: pods "a" is forbidden: failed quota: small: must specify limits.cpu',
            Reason.QUOTA_EXCEEDED,
            None,
        ),
        (
            (
                'Error creating: pods "a" is forbidden: error looking up service account team/robot: '
                'serviceaccount "robot" not found'
            ),
            Reason.SERVICE_ACCOUNT_NOT_FOUND,
            60,
        ),
        (
            'Error creating: pods "a" is forbidden: violates PodSecurity "restricted:latest"',
            Reason.POD_REFUSED,
            60,
        ),
        ("Error creating: admission webhook denied the request", Reason.POD_REFUSED, 60),
    ],
)
def test_the_job_controllers_words(message, reason, limit):
    problem = creation_problem(message, LIMITS)
    assert (problem.reason, problem.limit, problem.detail) == (reason, limit, message)
