"""Whether the number of agents changes the outcome."""
