"""The services of a namespace: listed, looked at, described."""
