``Containerfile`` and ``etc/compose.yaml``: an image with a health check; any option may be a variable of the environment, such as ``XMPPD_LIMITS__STANZA_BYTES``, and ``XMPPD_HOSTS`` names hosts.
