"""The OpenAPI text of what is served of the platform's API."""
