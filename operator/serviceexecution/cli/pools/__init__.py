"""The work behind ``sx pool``."""
