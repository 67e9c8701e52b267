"""Clusters in memory with a controller."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.unit.controller.build_harness import BuildWorld
from tests.unit.controller.harness import Clock, World


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Return a cluster with a controller, at the time 0 of the builders."""
    clock = Clock()
    monkeypatch.setattr("serviceexecution.controller.executions.observe.datetime", clock)
    found = World(clock)
    yield found
    for controller in found.controllers:
        await controller.checker.close()


@asynccontextmanager
async def _building(monkeypatch: pytest.MonkeyPatch, **members: Any) -> AsyncIterator[BuildWorld]:
    clock = Clock()
    monkeypatch.setattr("serviceexecution.controller.executions.observe.datetime", clock)
    monkeypatch.setattr("serviceexecution.controller.services.observe.datetime", clock)
    found = BuildWorld(clock, **members)
    yield found
    for controller in found.controllers:
        await controller.checker.close()


@pytest.fixture
async def builds(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BuildWorld]:
    """Return a cluster whose installation builds images."""
    async with _building(monkeypatch) as found:
        yield found


@pytest.fixture
async def builds_two(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BuildWorld]:
    """Return one that builds two images at a time."""
    async with _building(monkeypatch, concurrency=2) as found:
        yield found


@pytest.fixture
async def builds_profile(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BuildWorld]:
    """Return one with a seccomp profile for builds."""
    async with _building(monkeypatch, seccompProfile="build.json") as found:
        yield found


@pytest.fixture
async def builds_login(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BuildWorld]:
    """Return one whose registry wants a login."""
    registry = {"address": "registry.example", "credentialsSecret": "login"}
    async with _building(monkeypatch, registry=registry) as found:
        yield found
