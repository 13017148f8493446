"""Rooms: XEP-0045 without its XML; who may do what, who is there, what is kept, and what was said."""
