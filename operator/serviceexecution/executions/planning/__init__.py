"""What an execution is to run with: from its spec, its service and the installation's defaults to a plan. Pure."""
