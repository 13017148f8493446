`etc/xmppd.toml`, the example of a configuration, is made out of what the options say of themselves, and is held to that.
