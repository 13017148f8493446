"""Files that accounts have uploaded: who may upload how much, where they lie, and how long."""
