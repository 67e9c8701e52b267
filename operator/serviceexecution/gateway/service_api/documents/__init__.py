"""The documents in which the Service API shows executions and results. Pure."""
