"""The course of a build: source, image, push. What happens when shows in the log and in the report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.failures.registry_failures import is_unclear, push_error
from serviceexecution.builder.failures.tool_failures import tool_error
from serviceexecution.builder.pod.cache_volume import CacheVolume
from serviceexecution.builder.pod.certificates import combined_certificates
from serviceexecution.builder.pod.commands import Commands
from serviceexecution.builder.pod.gateway import Gateway
from serviceexecution.builder.pod.output import size_text
from serviceexecution.builder.pod.paths import Paths
from serviceexecution.builder.pod.proxies import other_variables, proxy_variables
from serviceexecution.builder.pod.workplace import Workplace
from serviceexecution.builder.project.dockerfile import prepare
from serviceexecution.builder.project.project_report import read_project_report
from serviceexecution.builder.project.python_project import look_at
from serviceexecution.builder.project.python_template import (
    IMAGE_TARGET,
    REPORT_FILE,
    REPORT_TARGET,
    Template,
    dockerfile,
)
from serviceexecution.builder.project.secrets import build_secrets, hidden_values, index_secrets
from serviceexecution.builder.registry.client import RegistryClient, registry_access
from serviceexecution.builder.report import BuildReport
from serviceexecution.builder.request import BuildRequest, DockerBuild, PythonBuild
from serviceexecution.builder.source.fetch import Source, fetch_source
from serviceexecution.builder.tools.buildah import Buildah
from serviceexecution.builder.tools.buildkit import BuildKit, own_environment
from serviceexecution.builder.tools.tool import BuildPlan, Built, Tool

_PUSH_PAUSE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a tool builds: a stage of a Dockerfile, with build arguments and secrets."""

    dockerfile: Path
    text: str
    target: str
    args: Mapping[str, str]
    secrets: Mapping[str, Path]


class Build:
    """One build."""

    def __init__(
        self, request: BuildRequest, paths: Paths, gateway: Gateway, commands: Commands, report: BuildReport
    ) -> None:
        self._request = request
        self._paths = paths
        self._gateway = gateway
        self._commands = commands
        self._output = commands.output
        self._report = report
        direct = [
            request.gateway_url.partition("://")[2], request.image, *request.registry.insecure,
            *request.registry.mirrors.values(),
        ]  # fmt: skip
        self._proxies = proxy_variables(request.environment, direct)
        self._others = other_variables(request.environment)
        self._environment = own_environment() | self._others | self._proxies | {"HOME": str(paths.work)}

    def run(self) -> None:
        """Build and push, and fill the report; raises BuildError."""
        self._output.hide(hidden_values(self._paths, self._request.environment))
        bundle = self._gateway.fetch_ca_bundle()
        ca_file = combined_certificates(self._paths.made("certificates"), bundle)
        workplace = Workplace(self._paths, self._commands, self._gateway, self._environment, ca_file)
        with self._measured("source"):
            source = fetch_source(self._request, workplace)
        self._report.source_digest, self._report.commit = source.digest, source.commit
        with self._measured("build"):
            prepared = self._prepare(source, bundle)
            plan = self._plan(source, prepared, ca_file)
            kind = BuildKit if self._request.builder == "buildkit" else Buildah
            tool: Tool = kind(plan, self._paths, self._commands)
        try:
            with self._measured("build"):
                tool.start()
                self._build(tool, prepared)
            with self._measured("push"):
                self._push(tool, plan.client)
        finally:
            tool.stop()
        self._report.reason = Reason.SUCCEEDED

    def _prepare(self, source: Source, bundle: bytes) -> Prepared:
        request = self._request
        directory = self._paths.made("dockerfile")
        if request.docker is not None:
            return self._prepare_docker(request.docker, source, directory)
        assert request.python is not None  # noqa: S101 - the request has one of them
        return self._prepare_python(request.python, source, directory, bundle)

    def _prepare_docker(self, build: DockerBuild, source: Source, directory: Path) -> Prepared:
        file = prepare(source.project, build.dockerfile, directory, self._request.builder)
        if file.note:
            self._output.phase("build", file.note)
        args = {**self._proxies, **self._others, **build.args}
        return Prepared(file.path, file.text, build.target, args, build_secrets(self._paths))

    def _prepare_python(self, build: PythonBuild, source: Source, directory: Path, bundle: bytes) -> Prepared:
        project = look_at(source.project, build.entry_point)
        own = self._paths.mount("index", "ca.crt")
        certificates = combined_certificates(directory, bundle, own.read_bytes()) if own is not None else None
        secrets = index_secrets(self._paths, self._others, certificates)
        make_readable(source.project)
        text = dockerfile(Template(build, project, tuple(secrets)))
        path = directory / "Dockerfile"
        path.write_text(text, "utf-8")
        if project.libraries:
            self._output.phase(
                "build", f"{' and '.join(project.libraries)} is installed beside the requirements"
            )
        return Prepared(path, text, IMAGE_TARGET, self._proxies, secrets)

    def _plan(self, source: Source, prepared: Prepared, ca_file: Path | None) -> BuildPlan:
        request = self._request
        access = registry_access(request.registry)
        login = self._paths.mount("registry", "config.json") if request.registry.login else None
        self._output.phase("build", f"{request.image} with {request.builder}")
        return BuildPlan(
            context=source.project,
            dockerfile=prepared.dockerfile,
            args=prepared.args,
            secrets=prepared.secrets,
            image=request.image,
            cache_image=request.cache_image,
            access=access,
            environment=self._environment,
            login=login,
            ca_file=ca_file,
            client=RegistryClient(request.image, access, login, ca_file),
            cache=CacheVolume(self._paths.cache, self._output).take(request.builder),
        )

    def _build(self, tool: Tool, prepared: Prepared) -> None:
        if self._request.python is not None:
            directory = self._paths.made("report")
            self._check(tool.export(REPORT_TARGET, directory), prepared)
            found = read_project_report(directory / REPORT_FILE)
            self._report.input_schema, self._report.output_schema = found.input_schema, found.output_schema
            self._report.message = found.note
            for line in (found.note, found.message or "the project can run"):
                if line:
                    self._output.phase("check", line)
        built = tool.build(prepared.target)
        self._check(built, prepared)
        self._check_size(built)

    def _check(self, built: Built, prepared: Prepared) -> None:
        if not built.succeeded:
            raise tool_error(
                self._request.builder,
                built.finished.lines,
                dockerfile=prepared.text,
                python=self._request.python is not None,
            )

    def _check_size(self, built: Built) -> None:
        if built.size is not None and built.size > self._request.limits.image_bytes:
            raise BuildError(
                Reason.IMAGE_TOO_LARGE,
                f"The image has {size_text(built.size)}, more than the {size_text(self._request.limits.image_bytes)} "
                "allowed: leave out what it does not need, or raise builds.limits.image.",
            )

    def _push(self, tool: Tool, client: RegistryClient) -> None:
        for last in (*[False] * (tool.pushes - 1), True):
            self._output.phase("push", self._request.image)
            built = tool.push()
            if built.succeeded:
                break
            error = self._push_error(built, client)
            if last or error.reason is not Reason.REGISTRY_UNAVAILABLE:
                raise error
            self._output.phase("push", f"{error.message} Trying again in {_PUSH_PAUSE_SECONDS:.0f} s.")
            time.sleep(_PUSH_PAUSE_SECONDS)
        self._check_size(built)
        self._report.image_digest, self._report.image_bytes = built.digest, built.size

    def _push_error(self, built: Built, client: RegistryClient) -> BuildError:
        image, lines = self._request.image, built.finished.lines
        error = push_error(image, lines)
        if not is_unclear(error, lines):
            return error
        answer = client.trial_upload()
        return push_error(image, lines, answer=answer)

    @contextmanager
    def _measured(self, phase: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self._report.seconds[phase] = self._report.seconds.get(phase, 0.0) + time.monotonic() - start


def make_readable(directory: Path) -> None:
    """Let every user read the files below: the image runs as any of them."""
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))
