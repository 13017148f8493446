Quick logins: SASL2 with inline features, beside the SASL of RFC 6120 (XEP-0388), and Bind 2 (XEP-0386).
