``xmppctl check`` tells of rights (XEP-0355, XEP-0356) that are given to a component that is not there.
