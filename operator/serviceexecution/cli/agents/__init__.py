"""``sx mcp``: services as tools for agents, by the Model Context Protocol."""
