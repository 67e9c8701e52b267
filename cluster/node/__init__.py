"""The embedded node: its namespaces, the components in them, what they are configured with and reached through."""
