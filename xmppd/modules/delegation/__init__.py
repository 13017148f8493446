"""Namespace Delegation: XEP-0355, requests that others answer in a host's place, as its operator or a user says."""
