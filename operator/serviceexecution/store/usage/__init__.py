"""What runs have used: series of each run, and sums of each service and month."""
