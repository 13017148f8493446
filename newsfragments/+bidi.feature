One connection with another server may serve both directions (XEP-0288), so that a server behind a firewall can federate; ``s2s.bidirectional = false`` turns it off.
