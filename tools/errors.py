"""What the generators raise."""


class GenerationError(Exception):
    """A generated file cannot be made; the text says why, and what to do."""
