"""Data pools of an execution: which object an id names, how each comes into the pod, and what became of it."""
