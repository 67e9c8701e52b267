"""What is installed on a cluster: the operator's chart, and what image builds need."""
