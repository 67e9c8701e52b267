"""The console's files, as web pages of the gateway."""
