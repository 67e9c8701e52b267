"""The results of an execution: its outputs and logs, for those who may read them."""
