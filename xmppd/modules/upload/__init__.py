"""HTTP File Upload: XEP-0363."""
