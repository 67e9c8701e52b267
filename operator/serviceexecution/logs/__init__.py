"""Follows the logs of main containers into the store."""
