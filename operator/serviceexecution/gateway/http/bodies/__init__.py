"""Bodies of requests: how they are received, how fast, and how many at once."""
