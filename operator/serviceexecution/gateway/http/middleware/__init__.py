"""What stands around all routes: request logs, metrics, web pages of other origins."""
