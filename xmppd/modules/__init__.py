"""One file a XEP: XML on one side, services on the other, joined by hooks."""
