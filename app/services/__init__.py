"""What happens to tweets, one verb per file; each commits its own work."""
