"""Whether opinions on a risky choice become more extreme."""
