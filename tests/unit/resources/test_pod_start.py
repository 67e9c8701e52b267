"""Why a pod does not start: the words of kubelet, scheduler and Job controller, as seen on a real cluster."""

import pytest

from serviceexecution.resources.pods.pod_start import StartFault, creation_problem, start_problem
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
            StartFault.IMAGE_NOT_FOUND,
            0,
        ),
        ("InvalidImageName", "couldn't parse image name", StartFault.INVALID_IMAGE_NAME, 0),
        (
            "ErrImagePull",
            'failed to resolve reference "docker.io/library/x:1": docker.io/library/x:1: not found',
            StartFault.IMAGE_NOT_FOUND,
            120,
        ),
        ("ErrImagePull", "manifest unknown: manifest unknown", StartFault.IMAGE_NOT_FOUND, 120),
        (
            "ErrImagePull",
            "pull access denied, repository does not exist or may require authorization",
            StartFault.IMAGE_PULL_FORBIDDEN,
            120,
        ),
        (
            "ErrImagePull",
            "unexpected status from HEAD request: 403 Forbidden",
            StartFault.IMAGE_PULL_FORBIDDEN,
            120,
        ),
        (
            "ErrImagePull",
            "toomanyrequests: You have reached your pull rate limit",
            StartFault.IMAGE_PULL_FAILED,
            None,
        ),
        ("ErrImagePull", "pull QPS exceeded", StartFault.IMAGE_PULL_FAILED, None),
        ("ErrImagePull", "dial tcp: lookup registry: no such host", StartFault.IMAGE_PULL_FAILED, None),
        ("ImagePullBackOff", 'Back-off pulling image "x:1"', StartFault.IMAGE_PULL_FAILED, None),
        ("CreateContainerConfigError", 'secret "ibm" not found', StartFault.SECRET_NOT_FOUND, 60),
        (
            "CreateContainerConfigError",
            "couldn't find key token in Secret team/ibm",
            StartFault.SECRET_KEY_NOT_FOUND,
            60,
        ),
        ("CreateContainerConfigError", 'configmap "settings" not found', StartFault.CONFIG_MAP_NOT_FOUND, 60),
        (
            "CreateContainerConfigError",
            "couldn't find key mode in ConfigMap team/settings",
            StartFault.CONFIG_MAP_NOT_FOUND,
            60,
        ),
        (
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root",
            StartFault.START_FAILED,
            60,
        ),
        ("CreateContainerError", "failed to generate spec: no such device", StartFault.START_FAILED, 60),
        ("RunContainerError", "", StartFault.START_FAILED, 60),
    ],
)
def test_the_kubelet_s_words_become_a_reason(word, message, reason, limit):
    problem = start_problem(pod(waiting(word, message)), LIMITS)
    assert problem is not None
    assert (problem.reason, problem.limit) == (reason, limit)
    assert problem.detail == (message or word)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('Back-off pulling image "app-404:1"', StartFault.IMAGE_PULL_FAILED),
        (
            'failed to do request: Head "https://r.example/v2/denied/x/manifests/403": dial tcp 10.0.0.1:443: refused',
            StartFault.IMAGE_PULL_FAILED,
        ),
        (
            'failed to resolve reference "r.example/x:429": r.example/x:429: not found',
            StartFault.IMAGE_NOT_FOUND,
        ),
        ("r.example/forbidden:1: name unknown: no such repository", StartFault.IMAGE_NOT_FOUND),
        ('unexpected status: {"errors":[{"code":"DENIED"}]}', StartFault.IMAGE_PULL_FORBIDDEN),
    ],
)
def test_the_name_of_an_image_is_no_answer_of_its_registry(message, reason):
    problem = start_problem(pod(waiting("ErrImagePull", message)), LIMITS)
    assert problem is not None
    assert (problem.reason, problem.detail) == (reason, message)


@pytest.mark.parametrize(
    ("message", "reason", "limit"),
    [
        (
            '0/1 nodes are available: persistentvolumeclaim "numbers" not found. not found',
            StartFault.VOLUME_CLAIM_NOT_FOUND,
            60,
        ),
        (
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            StartFault.VOLUME_NOT_BOUND,
            None,
        ),
        (
            "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind.",
            StartFault.VOLUME_NOT_BOUND,
            None,
        ),
        ("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", StartFault.UNSCHEDULABLE, None),
        ("", StartFault.UNSCHEDULABLE, None),
    ],
)
def test_the_scheduler_s_words_become_a_reason(message, reason, limit):
    problem = start_problem(unscheduled(message), LIMITS)
    assert problem is not None
    assert (problem.reason, problem.limit, problem.detail) == (reason, limit, message)


@pytest.mark.parametrize(
    ("message", "reason", "limit"),
    [
        (
            'Error creating: pods "a" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1',
            StartFault.QUOTA_EXCEEDED,
            None,
        ),
        (
            'Error creating: pods "a" is forbidden: failed quota: small: must specify limits.cpu',
            StartFault.QUOTA_EXCEEDED,
            None,
        ),
        (
            (
                'Error creating: pods "a" is forbidden: error looking up service account team/robot: '
                'serviceaccount "robot" not found'
            ),
            StartFault.SERVICE_ACCOUNT_NOT_FOUND,
            60,
        ),
        (
            'Error creating: pods "a" is forbidden: violates PodSecurity "restricted:latest"',
            StartFault.POD_REFUSED,
            60,
        ),
        ("Error creating: admission webhook denied the request", StartFault.POD_REFUSED, 60),
        (
            (
                'Error creating: Internal error occurred: failed calling webhook "a.example.com": failed to call '
                'webhook: Post "https://127.0.0.1:9/?timeout=1s": dial tcp 127.0.0.1:9: connect: connection refused'
            ),
            StartFault.WEBHOOK_FAILED,
            None,
        ),
        (
            'Error creating: pods "a" is forbidden in the namespace exceeded-quota-tests: a policy',
            StartFault.POD_REFUSED,
            60,
        ),
    ],
)
def test_the_job_controllers_words(message, reason, limit):
    problem = creation_problem(message, LIMITS)
    assert (problem.reason, problem.limit, problem.detail) == (reason, limit, message)
