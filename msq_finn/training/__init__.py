"""Row assignment and training helpers."""
