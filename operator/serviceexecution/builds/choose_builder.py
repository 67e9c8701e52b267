"""What builds in a namespace: by the installation's setting, and by the Pod Security level that is enforced there."""

from typing import Final

from serviceexecution.builds.settings import Builder, BuildsSettings

ENFORCED_LEVEL: Final = "pod-security.kubernetes.io/enforce"
"""Label of a namespace."""
RESTRICTED: Final = "restricted"


def choose_builder(settings: BuildsSettings, level: str) -> tuple[Builder | None, str]:
    """Return what builds in a namespace that enforces ``level`` (empty: none), or None and why nothing can."""
    builder = Builder.BUILDAH if level == RESTRICTED else Builder.BUILDKIT
    if settings.builder != "auto":
        builder = Builder(settings.builder)
    if builder is Builder.BUILDAH and level == RESTRICTED and not settings.seccomp_profile:
        return None, (
            "The namespace enforces the Pod Security level restricted, where building needs a seccomp profile of its "
            "own on the nodes: install one and name it in builds.seccompProfile in the chart's values."
        )
    return builder, ""
