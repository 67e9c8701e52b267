"""The kinds of clusters behind one interface: embedded, kind, and that of the current context."""
