``xmppctl check`` tells of a component that no certificate covers, so that other servers cannot reach it.
