"""From what a caller sends to what a program finds in its container: files, data pools, secrets."""
