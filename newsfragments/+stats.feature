``xmppctl stats`` shows what has happened since the start, and what waits.
