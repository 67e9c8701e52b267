"""What the parts are played on: a control plane without a real node, and controller and gateway as processes."""
