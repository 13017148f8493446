Messages for accounts that are offline are kept and delivered when a client comes, with the time they came; hints are heeded (XEP-0160, XEP-0203, XEP-0334).
