"""Results and logs of executions in an object store or a directory."""
