"""Submissions: what a client sends becomes an execution, once."""
