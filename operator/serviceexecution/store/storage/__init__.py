"""Objects in a bucket or a directory: written, read, listed, made durable, deleted."""
