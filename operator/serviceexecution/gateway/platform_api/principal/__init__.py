"""Who calls, as the platform's API tells it, and what is said about calls that are not served."""
