"""Data pools of the store: brought into the pod before the program starts, as the execution has recorded them."""
