"""The inbox of an account against a model of a page: whatever happens, nothing is lost, doubled or out of order."""
