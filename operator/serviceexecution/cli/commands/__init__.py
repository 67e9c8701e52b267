"""The commands by group: each reads its options, calls one function, and prints. Slow imports stand inside them."""
