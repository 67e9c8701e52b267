"""One HTTP connection: its heads, its bounds, its place among all connections."""
