"""OpenAPI texts of projects: the schemas of a service in them, read within bounds."""
