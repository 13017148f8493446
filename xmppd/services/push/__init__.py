"""Push notifications (XEP-0357)."""
