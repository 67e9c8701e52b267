"""Runs of Python projects under the launcher, as processes: cases, signatures and what must come of them."""
