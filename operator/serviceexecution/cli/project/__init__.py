"""A project on disk: its kind, its sx.yaml, and the ServiceDefinition that it becomes."""
