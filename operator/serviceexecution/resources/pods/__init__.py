"""What we read of pods and the objects around them, and what every pod of ours carries."""
