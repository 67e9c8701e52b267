"""Executions of all services of a namespace: listed, looked at, cancelled, their results and logs read."""
