An idle session over WebSocket needs as much memory as one over TCP.
