"""What collectors call: upload an attempt's output, commit it, learn that main has ended."""
