"""What may be wrong between a project and its first result, looked at in the order in which it would hurt."""
