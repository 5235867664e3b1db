"""What `make` runs on a developer's machine; nothing in production imports it."""
