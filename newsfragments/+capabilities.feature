What clients can do (XEP-0115) is asked for once, verified and kept.
