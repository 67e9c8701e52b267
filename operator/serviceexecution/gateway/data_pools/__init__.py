"""Data pools as the gateway knows them: found by their id, and changed by one upload after the other."""
