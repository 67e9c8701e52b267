"""The ServiceDefinition custom resource: what a service is, how it is built, and what its executions take from it."""
