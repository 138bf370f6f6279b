"""Choice of lanes and folding for a board."""
