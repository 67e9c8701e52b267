"""What the controller knows of the cluster: the newest state of what it watches, and how it gets there."""
