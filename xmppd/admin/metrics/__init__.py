"""What a monitoring system asks of a running server: numbers for Prometheus, and whether it is well."""
