The server answers HTTP (``[http]``), by default on 127.0.0.1:5280 and ::1, with TLS where ``tls_listen`` says so;
proxies in front are believed where they are trusted, and modules can have pages of their own.
