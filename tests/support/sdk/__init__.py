"""Packages that need an environment of their own, used from a test."""
