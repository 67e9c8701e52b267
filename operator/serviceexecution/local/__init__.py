"""A service on this machine: a Python project behind the gateway's own Service API, without a cluster."""
