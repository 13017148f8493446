"""What an operator uses: control socket, xmppctl and the checks."""
