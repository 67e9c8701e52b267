"""Registries: how the tools are told about them, and the few requests that the builder sends itself."""
