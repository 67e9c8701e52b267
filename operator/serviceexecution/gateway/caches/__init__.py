"""Bounded caches, and questions that many ask at once."""
