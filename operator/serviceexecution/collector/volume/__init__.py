"""The files of a volume, listed, read and written for the gateway by a pod that mounts it."""
