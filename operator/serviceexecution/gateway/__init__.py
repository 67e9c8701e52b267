"""HTTP: receives output from collectors and serves results to authorised callers."""
