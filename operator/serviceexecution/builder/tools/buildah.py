"""Builds with buildah, for namespaces that enforce the Pod Security level restricted: one user, no privileges.

Only user 0 exists while an image is built, which is the builder's own. Layers are not exchanged with the registry: each
of them would be pulled again, which takes longer than building them; they are kept on the cache volume.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.pod.commands import Commands, Finished
from serviceexecution.builder.pod.paths import Paths
from serviceexecution.builder.registry.configuration import registries_configuration
from serviceexecution.builder.tools.oci_wrapper import write_wrapper
from serviceexecution.builder.tools.tool import BuildPlan, Built, manifest_size

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_LOCAL_NAME: Final = "localhost/build:latest"
_STORAGE: Final = """[storage]
driver = "overlay"
runroot = "{run}"
graphroot = "{root}"
[storage.options.overlay]
ignore_chown_errors = "true"
"""
# That there is one user is the plan, and an exit code comes once more with the error
_NOISE: Final = re.compile(
    r"newuidmap|newgidmap|Falling back to single mapping|^subprocess exited with status|using (uid|gid)_map"
    r"|UNHANDLED LOGLEVEL"
)
_POLICY: Final = '{"default": [{"type": "insecureAcceptAnything"}]}\n'


class Buildah:
    """One build."""

    pushes = 1  # It repeats by itself

    def __init__(self, plan: BuildPlan, paths: Paths, commands: Commands) -> None:
        self._plan = plan
        self._paths = paths
        self._commands = commands
        self._digest_file = paths.work / "digest"
        self._policy = paths.work / "policy.json"
        root = plan.cache / "storage" if plan.cache is not None else paths.made("buildah")
        self._storage = _STORAGE.format(run=paths.made("run") / "storage", root=root)
        # Caches of RUN --mount=type=cache lie in the directory for temporary files
        temporary = plan.cache / "tmp" if plan.cache is not None else paths.made("tmp")
        temporary.mkdir(parents=True, exist_ok=True)
        self._environment = {
            **plan.environment,
            "XDG_RUNTIME_DIR": str(paths.made("run")),
            "TMPDIR": str(temporary),
            "CONTAINERS_STORAGE_CONF": str(paths.work / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(paths.work / "registries.conf"),
            "USER": "build",
        }
        if plan.login is not None:
            self._environment["REGISTRY_AUTH_FILE"] = str(plan.login)
        if plan.ca_file is not None:
            self._environment["SSL_CERT_FILE"] = str(plan.ca_file)
        wrapper = write_wrapper(paths.work, "crun", plan.ca_file, single_user=True)
        self._runtime = "crun" if wrapper is None else str(wrapper.program)
        self._environment |= {} if wrapper is None else wrapper.environment

    def start(self) -> None:
        """Write what buildah reads."""
        (self._paths.work / "storage.conf").write_text(self._storage, "utf-8")
        (self._paths.work / "registries.conf").write_text(
            registries_configuration(self._plan.access), "utf-8"
        )
        self._policy.write_text(_POLICY, "utf-8")

    def export(self, target: str, directory: Path) -> Built:
        """Build a stage, and write its files to the directory."""
        return Built(self._build(target, "--output", f"type=local,dest={directory}"))

    def build(self, target: str) -> Built:
        """Build the image; its size shows when it is pushed, since layers are packed only then."""
        return Built(self._build(target, "--tag", _LOCAL_NAME))

    def push(self) -> Built:
        """Push the image, and ask the registry for its manifest."""
        self._digest_file.unlink(missing_ok=True)
        finished = self._commands.run(
            [
                "buildah", "push", "--signature-policy", str(self._policy), "--digestfile", str(self._digest_file),
                _LOCAL_NAME, f"docker://{self._plan.image}",
            ],
            self._environment,
            shown=_shown,
        )  # fmt: skip
        if finished.code != 0:
            return Built(finished)
        digest = self._digest_file.read_text("ascii").strip() if self._digest_file.is_file() else ""
        if _DIGEST.fullmatch(digest) is None:
            raise BuildError(Reason.BUILDER_FAILED, "buildah does not give the image's digest.")
        return Built(finished, digest, manifest_size(self._plan.client.manifest(digest)))

    def stop(self) -> None:
        """Nothing runs on."""

    def _build(self, target: str, *more: str) -> Finished:
        plan = self._plan
        command = [
            "buildah", "build", "--layers", "--signature-policy", str(self._policy), "--format", "oci",
            "--isolation", "rootless", "--runtime", self._runtime, "--runtime-flag", "cgroup-manager=disabled",
            # Namespaces of the pod itself, in which nothing else runs
            "--pid", "host", "--network", "host", "--ipc", "host", "--uts", "host",
            "--file", str(plan.dockerfile), *more,
        ]  # fmt: skip
        ignore = Path(f"{plan.dockerfile}.dockerignore")
        if ignore.is_file():
            command += ["--ignorefile", str(ignore)]
        if target:
            command += ["--target", target]
        for name, value in plan.args.items():
            command += ["--build-arg", f"{name}={value}"]
        for name, path in plan.secrets.items():
            command += ["--secret", f"id={name},src={path}"]
        return self._commands.run([*command, str(plan.context)], self._environment, shown=_shown)


def _shown(line: str) -> tuple[str, ...]:
    # An instruction that it does not know is followed by all of the environment
    return () if _NOISE.search(line) else (line.partition(" &imagebuilder.Step{")[0],)
