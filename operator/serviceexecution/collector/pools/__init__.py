"""Data pools of the store: brought into the pod before the program starts, as the execution has recorded them, and back
when the program has changed those that it may write."""
