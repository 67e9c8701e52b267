"""Executions that exist: listed, looked at, cancelled, their logs and results read."""
