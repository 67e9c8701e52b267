"""Kept logs as answers: text, JSON or Server-Sent Events, while they grow and after their end."""
