"""Stand-ins for an in-container library and a project: modules that are there as if they were installed."""

import sys
from collections.abc import Callable
from types import ModuleType

import pytest

Install = Callable[..., ModuleType]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what puts a module with members, and the packages above it, where imports find it."""

    def put(name: str, **members: object) -> ModuleType:
        parts = name.split(".")
        for depth in range(1, len(parts)):
            package = ".".join(parts[:depth])
            if package not in sys.modules:
                made = ModuleType(package)
                made.__path__ = []
                monkeypatch.setitem(sys.modules, package, made)
        made = ModuleType(name)
        made.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    return put


@pytest.fixture
def library(module: Install) -> Callable[..., ModuleType]:
    """Return what installs a library with a ``main()``; its run_entrypoint calls what ENTRYPOINT's function is."""

    def install(name: str, main: Callable[[ModuleType], int]) -> ModuleType:
        module(f"{name}.commons.logging", init_logging=lambda: None)
        runtime = module(f"{name}.commons.runtime.main", run_entrypoint=lambda function: function())
        runtime.__dict__["main"] = lambda: main(runtime)
        return runtime

    return install
