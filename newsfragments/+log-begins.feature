A log begins with the versions of xmppd, Python and the libraries, and with the ports. ``xmppctl status`` names the OpenSSL that TLS goes through, which may be another than Python's own.
