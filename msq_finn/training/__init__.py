"""Row assignment and training of networks with row-mixed weights."""
