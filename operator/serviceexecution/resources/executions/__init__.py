"""The ServiceExecution custom resource: what a user asks for, and what is true of it."""
