"""What the server costs in instructions, which other work on the machine does not change."""
