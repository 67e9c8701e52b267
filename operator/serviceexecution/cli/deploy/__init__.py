"""From an archive to a serving revision."""
