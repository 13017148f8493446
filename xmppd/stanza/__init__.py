"""What travels: JIDs, stanzas, elements and error conditions, without any I/O."""
