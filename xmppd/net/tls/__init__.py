"""Certificates, and the TLS contexts made of them."""
