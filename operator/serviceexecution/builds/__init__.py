"""From the source of a service to an image: which revision is wanted, how its build goes, which one serves."""
