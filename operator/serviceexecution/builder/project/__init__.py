"""What is built: a project's Dockerfile or one made for it, its secrets, and the report of its check."""
