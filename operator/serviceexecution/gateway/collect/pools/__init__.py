"""Data pools as pods read and write them: what an execution has recorded of them when it started, and nothing else."""
