"""Measures beside plain Jobs what an execution costs: ``make bench``."""
