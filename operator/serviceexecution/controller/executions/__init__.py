"""Passes over executions: observe, decide, act."""
