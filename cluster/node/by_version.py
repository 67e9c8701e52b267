"""What differs between Kubernetes minors in how a node is set up."""

from collections.abc import Mapping
from typing import Final

_IMAGE_CREDENTIALS_SINCE: Final = (1, 35)


def kubelet_settings(minor: tuple[int, int]) -> Mapping[str, object]:
    """Return the kubelet's settings that not every minor has; it refuses those that it does not know."""
    if minor < _IMAGE_CREDENTIALS_SINCE:
        return {}
    # From this minor on a pod would have to show its right to each image that another pod has pulled.
    return {"imagePullCredentialsVerificationPolicy": "NeverVerify"}
