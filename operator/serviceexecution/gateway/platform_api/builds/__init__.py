"""Builds of services, as the platform shows those of managed services."""
