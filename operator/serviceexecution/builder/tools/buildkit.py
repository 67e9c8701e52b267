"""Builds with BuildKit: one daemon without privileges for all of a build, spoken to by buildctl."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.failures.tool_failures import tool_error
from serviceexecution.builder.pod.commands import Commands, Finished, silent
from serviceexecution.builder.pod.paths import Paths
from serviceexecution.builder.registry.configuration import buildkitd_configuration
from serviceexecution.builder.tools.buildkit_progress import ProgressFilter
from serviceexecution.builder.tools.oci_wrapper import write_wrapper
from serviceexecution.builder.tools.tool import BuildPlan, Built, manifest_size

_START_SECONDS: Final = 60.0
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_LONGEST_MANIFEST: Final = 4 * 1024 * 1024
_COMPRESSION: Final = "compression=gzip,compression-level=1"
"""A third of the time of the usual level, for some percent more bytes; every node knows it."""
_RESULT: Final = "-check"
"""What is put to the name of the cache for that of a stage's result."""
_LOG_LINES: Final = 40


class BuildKit:
    """One build. ``start`` first."""

    pushes = 3

    def __init__(self, plan: BuildPlan, paths: Paths, commands: Commands) -> None:
        self._plan = plan
        self._commands = commands
        self._state = plan.cache if plan.cache is not None else paths.made("buildkit")
        self._run = paths.made("run")
        self._address = f"unix://{self._run}/buildkitd.sock"
        self._daemon_log = paths.work / "buildkitd.log"
        self._metadata = paths.work / "metadata.json"
        self._configuration = paths.work / "buildkitd.toml"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._target = self._exported = ""
        self._known_steps: set[str] = set()
        self._environment = {
            **plan.environment,
            "XDG_RUNTIME_DIR": str(self._run),
            "TMPDIR": str(paths.made("tmp")),
            # Without USER it takes itself for root's own
            "USER": "build",
        }
        self._wrapper = write_wrapper(paths.work, "buildkit-runc", plan.ca_file, single_user=False)
        if plan.ca_file is not None:
            self._environment["SSL_CERT_FILE"] = str(plan.ca_file)
        if self._wrapper is not None:
            self._environment |= self._wrapper.environment
        if plan.login is not None:
            self._environment["DOCKER_CONFIG"] = str(plan.login.parent)

    def start(self) -> None:
        """Start the daemon and wait until it answers; raises BuildError with what it said when it does not."""
        self._configuration.write_text(buildkitd_configuration(self._plan.access), "utf-8")
        daemon = [
            "buildkitd", "--addr", self._address, "--config", str(self._configuration), "--root", str(self._state),
            # A pod may not mount a new /proc; what runs sees the pod's own processes, and no others
            "--oci-worker-no-process-sandbox",
        ]  # fmt: skip
        if self._plan.cache is None:
            daemon.append("--oci-worker-gc=false")  # It goes with the pod
        if self._wrapper is not None:
            daemon.append(f"--oci-worker-binary={self._wrapper.program}")
        with self._daemon_log.open("wb") as log:
            self._daemon = self._commands.start(
                ["rootlesskit", "--state-dir", str(self._run / "rk"), *daemon],
                self._environment,
                log=log.fileno(),
            )
        end = time.monotonic() + _START_SECONDS
        question = ["buildctl", "--addr", self._address, "debug", "workers"]
        while self._daemon.poll() is None and time.monotonic() < end:
            if Path(self._run, "buildkitd.sock").exists():
                answer = self._commands.run(question, self._environment, shown=silent)
                if answer.code == 0:
                    return
            time.sleep(0.05)
        raise self._daemon_error()

    def export(self, target: str, directory: Path) -> Built:
        """Build a stage, and write its files to the directory."""
        self._exported = target
        return Built(self._build(target, "--output", f"type=local,dest={directory}"))

    def build(self, target: str) -> Built:
        """Build the image without pushing it, and look at its manifest."""
        self._target = target
        output = f"type=image,name={self._plan.image},push=false,{_COMPRESSION}"
        return self._built(self._build(target, "--output", output))

    def push(self) -> Built:
        """Push the image, all steps of which are known to the daemon, and the layers as cache for later builds."""
        output = f"type=image,name={self._plan.image},push=true,{_COMPRESSION}"
        cache = self._export_cache(self._plan.cache_image, f"mode=max,{_COMPRESSION}")
        built = self._built(self._build(self._target, "--output", output, *cache))
        if built.succeeded and self._exported and cache:
            # Its result alone, under a name of its own: else its steps' layers are fetched to get at it again.
            # Only now, since a check that failed for want of time is not to be remembered.
            result = self._export_cache(self._plan.cache_image + _RESULT, "mode=min")
            self._build(self._exported, *result, shown=silent)
        return built

    def _export_cache(self, image: str, how: str) -> list[str]:
        # A cache that cannot be written fails no build
        return ["--export-cache", f"type=registry,ref={image},{how},ignore-error=true"] if image else []

    def _built(self, finished: Finished) -> Built:
        if finished.code != 0:
            return Built(finished)
        digest = self._digest()
        return Built(finished, digest, self._size(digest))

    def stop(self) -> None:
        """End the daemon."""
        if self._daemon is not None:
            self._commands.stop(self._daemon)

    def _build(
        self, target: str, *options: str, shown: Callable[[str], Iterable[str]] | None = None
    ) -> Finished:
        plan = self._plan
        self._metadata.unlink(missing_ok=True)
        command = [
            "buildctl", "--addr", self._address, "build", "--progress=plain", "--frontend", "dockerfile.v0",
            "--local", f"context={plan.context}", "--local", f"dockerfile={plan.dockerfile.parent}",
            "--opt", f"filename={plan.dockerfile.name}", "--metadata-file", str(self._metadata), *options,
        ]  # fmt: skip
        if target:
            command += ["--opt", f"target={target}"]
        for name, value in plan.args.items():
            command += ["--opt", f"build-arg:{name}={value}"]
        for name, path in plan.secrets.items():
            command += ["--secret", f"id={name},src={path}"]
        # In each call, also when it is known already what there is: layers of the cache are not fetched for as long
        # as nobody needs them, and a call that does not know of them builds them anew.
        imported = [plan.cache_image, *([plan.cache_image + _RESULT] if self._exported else [])]
        for name in imported if plan.cache_image else ():
            command += ["--import-cache", f"type=registry,ref={name}"]
        lines = shown or ProgressFilter(self._known_steps).take
        finished = self._commands.run(command, self._environment, shown=lines)
        if finished.code != 0 and (self._daemon is None or self._daemon.poll() is not None):
            raise self._daemon_error()
        return finished

    def _digest(self) -> str:
        try:
            value: object = json.loads(self._metadata.read_bytes())
        except (OSError, ValueError):
            value = None
        digest = value.get("containerimage.digest") if isinstance(value, dict) else None
        if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
            raise BuildError(Reason.BUILDER_FAILED, "BuildKit does not give the image's digest.")
        return digest

    def _size(self, digest: str) -> int | None:
        """Return the size of the layers; the manifest lies in the daemon's store, which is this user's."""
        for path in self._state.glob(f"*/content/blobs/sha256/{digest.removeprefix('sha256:')}"):
            return manifest_size(path.read_bytes()[:_LONGEST_MANIFEST])
        return None

    def _daemon_error(self) -> BuildError:
        lines = (
            self._daemon_log.read_text("utf-8", "replace").splitlines() if self._daemon_log.exists() else []
        )
        for line in lines[-_LOG_LINES:]:
            self._commands.output.line(line)
        last = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1] if lines else "")
        judged = tool_error("buildkit", [f"error: {last.strip()[-300:] or 'BuildKit does not start'}"])
        return BuildError(Reason.BUILDER_FAILED, judged.message)


def own_environment(names: tuple[str, ...] = ("PATH", "LANG")) -> dict[str, str]:
    """Return what programs need of the builder's own environment; the request is not among it."""
    return {name: os.environ[name] for name in names if name in os.environ}
