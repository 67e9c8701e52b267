"""Tells others of an execution's end, beside the run and never on its path."""
