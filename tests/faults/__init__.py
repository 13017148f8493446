"""What the server does when something breaks: the process, the disk."""
