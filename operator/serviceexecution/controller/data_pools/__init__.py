"""Data pools: their status, and the claims that are made for them."""
