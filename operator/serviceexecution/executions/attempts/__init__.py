"""Another attempt after one that has failed: whether, when, with how much memory, and what is said of it. Pure."""
