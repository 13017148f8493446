"""Real servers in processes of their own, and real clients: few, since each costs seconds."""
