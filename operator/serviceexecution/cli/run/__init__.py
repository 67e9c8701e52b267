"""An execution from its input to its result."""
