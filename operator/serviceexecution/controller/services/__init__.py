"""Passes over services and their builds: observe, decide, act."""
