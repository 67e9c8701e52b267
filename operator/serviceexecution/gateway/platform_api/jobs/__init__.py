"""Jobs: executions that are made here with an input which may be kept, shown and run again."""
