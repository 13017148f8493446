"""Reads and writes the portable format of XEP-0227 1.1 ("pie"), with what it does not have under a name of our own."""
