"""Ways to compute a network's response and its gradient, each checked against the others."""
