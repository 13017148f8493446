"""What is measured: one file a family of scenarios, and the list of them in catalogue.py."""
