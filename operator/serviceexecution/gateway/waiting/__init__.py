"""Requests that are held until an execution changes, and streams of changes."""
