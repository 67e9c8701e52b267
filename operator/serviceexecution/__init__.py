"""Runs one-shot services as Kubernetes Jobs and keeps their logs and results."""
