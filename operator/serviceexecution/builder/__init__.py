"""Runs in the pod of a build: source in, image in the registry and a report out. Standard library only."""
