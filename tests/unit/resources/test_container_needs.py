"""Refusals by LimitRange and quota name the container and the place where its resources are set."""

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.resources.pods.container_needs import (
    PLACES_OF_RUNS,
    ContainerNeeds,
    is_about_containers,
    needs_of,
    place_hint,
)

MAIN = ContainerNeeds("main", {"cpu": "100m", "memory": "128Mi"}, {"cpu": "100m", "memory": "128Mi"})
COLLECTOR = ContainerNeeds("collector", {"cpu": "10m", "memory": "32Mi"}, {"cpu": "1", "memory": "64Mi"})
LIMIT_RANGE = (
    'Error creating: pods "lr-jlghc" is forbidden: [minimum cpu usage per Container is 50m, but request is 10m, '
    "minimum memory usage per Container is 64Mi, but request is 32Mi, cpu max limit to request ratio per Container "
    "is 10, but provided ratio is 100.000000]"
)
"""As a real API server words it."""


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (
            LIMIT_RANGE,
            (
                'The container "collector": its request of cpu is 10m, its request of memory is 32Mi, its limit of '
                "cpu is 100 times its request; the value collector.resources of the operator's chart changes it."
            ),
        ),
        (
            "forbidden: maximum memory usage per Container is 64Mi, but limit is 134217728",
            'The container "main": its limit of memory is 134217728; spec.resources changes it.',
        ),
        (
            "forbidden: minimum nvidia.com/gpu usage per Container is 1.  No request is specified",
            (
                'The container "main": it has no request of nvidia.com/gpu; spec.resources changes it. '
                'The container "collector": it has no request of nvidia.com/gpu; '
                "the value collector.resources of the operator's chart changes it."
            ),
        ),
        (
            "forbidden: failed quota: q: must specify limits.cpu,limits.memory for: main; requests.cpu for: collector",
            (
                'The container "main": it lacks limits.cpu and limits.memory; spec.resources changes it. '
                'The container "collector": it lacks requests.cpu; '
                "the value collector.resources of the operator's chart changes it."
            ),
        ),
        (
            "exceeded quota: q, requested: limits.cpu=1100m,pods=1, used: limits.cpu=0, limited: limits.cpu=1",
            (
                'The container "main": its limit of cpu is 100m; spec.resources changes it. '
                'The container "collector": its limit of cpu is 1; '
                "the value collector.resources of the operator's chart changes it."
            ),
        ),
        ("forbidden: maximum cpu usage per Pod is 1, but limit is 1100m", ""),
        ("exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1", ""),
        ("forbidden: violates PodSecurity", ""),
        ("minimum cpu usage per Container is x, but request is (, must specify", ""),
    ],
)
def test_the_container_and_its_place_are_named(message, hint):
    assert place_hint(message, (MAIN, COLLECTOR), PLACES_OF_RUNS) == hint


def test_a_container_that_others_added_is_named_without_a_place():
    assert place_hint("must specify limits.cpu for: proxy", (), PLACES_OF_RUNS) == (
        'The container "proxy": it lacks limits.cpu.'
    )


def test_only_refusals_about_containers_are_looked_into():
    assert is_about_containers(LIMIT_RANGE)
    assert not is_about_containers('violates PodSecurity "restricted:latest"')


@pytest.mark.parametrize(
    "job", [{}, {"spec": None}, {"spec": {"template": {"spec": {"containers": [None]}}}}]
)
def test_a_job_of_any_shape_is_read(job):
    assert len(needs_of(job)) <= 1


def test_a_job_s_containers_are_read():
    resources: JsonObject = {"requests": {"cpu": 1}, "limits": {"cpu": "2"}}
    job: JsonObject = {
        "spec": {"template": {"spec": {"containers": [{"name": "main", "resources": resources}]}}}
    }
    assert needs_of(job) == (ContainerNeeds("main", {"cpu": "1"}, {"cpu": "2"}),)
