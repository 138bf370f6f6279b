"""Cost model, and the synthesis runs that it is fitted to."""
