"""What an operator can have the server do, declared once for the control socket, xmppctl, forms and the manual."""
