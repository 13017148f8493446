"""What leaves for other servers: a queue for each pair of domains, when it is tried, and who is told if it fails."""
