"""What an account keeps and tells of itself: vCard, private XML, last activity."""
