"""What builds keep in the store: the archives that services are built from, and what their pods report."""
