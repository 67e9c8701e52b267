"""What should be, from what is seen: pure, without clock, cluster or store."""
