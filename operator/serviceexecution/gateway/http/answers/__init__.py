"""Answers that carry files or take long."""
