"""What ``xmppctl check`` looks at: configuration, names, certificates, listeners and the data folder."""
