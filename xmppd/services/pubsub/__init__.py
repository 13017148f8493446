"""Publish–subscribe (XEP-0060) and personal eventing (XEP-0163): nodes, who may see them, what is stored and told."""
