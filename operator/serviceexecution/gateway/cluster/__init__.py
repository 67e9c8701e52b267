"""What an operator sees of the whole installation."""
