A chat in the browser: ``xmppctl web install`` fetches Converse (a release known by its hash), the server shows it at
``/``, and ``make run`` does both; web clients find the server by host-meta (XEP-0156).
