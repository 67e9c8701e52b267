"""What the gateway knows of executions and services without asking: a watch keeps it true."""
