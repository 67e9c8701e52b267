"""One API server in memory, for all tests without a cluster: objects, and the requests of our own clients.

It does what the real one does as far as our programs rely on it; ``conformance.py`` holds the checks that both pass.
"""
