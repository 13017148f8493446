"""The SQLite back end: one file, one writing thread with group commit, a few reading threads."""
