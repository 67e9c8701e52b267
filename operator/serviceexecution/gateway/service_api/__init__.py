"""The Service API: a service's executions over HTTP, as the platform's real clients use it."""
