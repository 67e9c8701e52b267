"""Shared by tests that talk to a real cluster."""
