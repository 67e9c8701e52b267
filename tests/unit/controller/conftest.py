"""Clusters in memory with a controller."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.unit.controller.build_harness import BuildWorld
from tests.unit.controller.harness import Clock, World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Return a cluster with a controller, at the time 0 of the builders."""
    clock = Clock()
    found = World(clock)
    yield found
    for controller in found.controllers:
        await controller.checker.close()


@asynccontextmanager
async def _building(**members: Any) -> AsyncIterator[BuildWorld]:
    clock = Clock()
    found = BuildWorld(clock, **members)
    yield found
    for controller in found.controllers:
        await controller.checker.close()


@pytest.fixture
async def builds() -> AsyncIterator[BuildWorld]:
    """Return a cluster whose installation builds images."""
    async with _building() as found:
        yield found


@pytest.fixture
async def builds_two() -> AsyncIterator[BuildWorld]:
    """Return one that builds two images at a time."""
    async with _building(concurrency=2) as found:
        yield found


@pytest.fixture
async def builds_profile() -> AsyncIterator[BuildWorld]:
    """Return one with a seccomp profile for builds."""
    async with _building(seccompProfile="build.json") as found:
        yield found


@pytest.fixture
async def builds_login() -> AsyncIterator[BuildWorld]:
    """Return one whose registry wants a login."""
    registry = {"address": "registry.example", "credentialsSecret": "login"}
    async with _building(registry=registry) as found:
        yield found
