"""Each bad input as a value: tests run it, `docs/bad-input.md` shows it."""
