A login takes about half the CPU it took: small values are read at once instead of by a thread, the reactor is woken only when it sleeps, and the rosters used last are kept in memory.
