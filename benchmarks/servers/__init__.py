"""The servers under test, each configured, started, watched and stopped by one file."""
