"""``sx``: the command line, also for those who run the cluster."""
