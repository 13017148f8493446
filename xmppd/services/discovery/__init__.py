"""What entities are and can do: discovery, capabilities, commands."""
