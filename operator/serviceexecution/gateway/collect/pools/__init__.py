"""Data pools as pods read them: what an execution has recorded of them when it started, and nothing else."""
