"""Whether a message spreads as a real one did."""
