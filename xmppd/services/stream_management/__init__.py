"""Stream management (XEP-0198): acknowledgements, resumption, and what becomes of what was never acknowledged."""
