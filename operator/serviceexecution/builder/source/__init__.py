"""The source on its way into the pod: from the gateway or from Git, unpacked, measured, checked."""
