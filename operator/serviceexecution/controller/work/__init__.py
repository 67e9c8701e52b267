"""Work in the order in which it comes up: keys of objects, the queue of them, and the workers that empty it."""
