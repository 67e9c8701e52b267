"""Runs beside user code in the pod and uploads its output. Standard library only."""
