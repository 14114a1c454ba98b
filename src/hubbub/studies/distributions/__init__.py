"""Whether simulated cascades have the distributions of real ones."""
