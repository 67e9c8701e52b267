"""Who calls, and what the cluster's own rules let them do."""
