"""Executions in numbers: which of them, shown how, and followed while they change."""
