"""Imports and exports as an operator runs them: on the data of a stopped server, or on a copy of a running one's."""
