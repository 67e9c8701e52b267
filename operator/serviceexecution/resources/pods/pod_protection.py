"""What keeps others' hands off our pods: nothing moves them for tidiness, no mesh proxy outlives them."""

from typing import Final

PROTECTION: Final[dict[str, str]] = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
    "linkerd.io/inject": "disabled",
}
"""Annotations. A run or a build may take hours."""

NO_SIDECARS: Final[dict[str, str]] = {"sidecar.istio.io/inject": "false"}
"""Labels."""
