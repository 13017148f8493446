"""Privileged Entity: XEP-0356, what a component may do in the name of a host's accounts, as the configuration says."""
