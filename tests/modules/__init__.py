"""The modules, one by one, below the wire."""
