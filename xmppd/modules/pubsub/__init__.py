"""Publish–subscribe on the wire: XEP-0060 for services with a name of their own, XEP-0163 for accounts."""
