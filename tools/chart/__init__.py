"""The Helm chart: its values, with the table and the schema made from them, and its manifest with all defaults."""
