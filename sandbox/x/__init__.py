"""X as networks.md describes it."""
