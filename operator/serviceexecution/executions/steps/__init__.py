"""What is decided on each stretch of an execution's way. Pure."""
