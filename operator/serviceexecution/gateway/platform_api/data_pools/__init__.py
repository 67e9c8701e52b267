"""Data pools and their files."""
