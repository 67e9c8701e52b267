"""The thin asynchronous client of the Kubernetes API: the only room that speaks to the API server."""
