`xmppctl selftest` has one of its accounts upload a file and the other get it, says where that is and under which TLS, and leaves no file behind.
