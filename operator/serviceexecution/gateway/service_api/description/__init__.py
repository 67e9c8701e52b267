"""The description of a service's API: OpenAPI, and a page to read it on."""
