"""The runtime interface as pure functions: what must hold inside the container, whatever runs it."""
