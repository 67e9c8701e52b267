"""Measurements. Each is a command that prints ratios and figures of one run; none is a test."""
