"""Real clients against a real server, by hand."""
