"""Applications, which are access keys here."""
