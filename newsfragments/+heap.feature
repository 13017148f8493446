Memory of sessions that have ended is given back to the system.
