"""What users report of those whom they block."""
