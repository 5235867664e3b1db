"""What every network of the sandbox shares: clock, store, pages."""
