"""Sessions, their registry, the router, hooks and the module API; knows no XEP."""
