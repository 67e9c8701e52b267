"""Watches executions, decides what should be, and makes it so."""
