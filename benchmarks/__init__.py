"""Speed as a ratio against a peer in the same run; results are JSON under results/."""
