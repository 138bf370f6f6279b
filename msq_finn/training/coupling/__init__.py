"""Following the rows of layers through a network, to where values meet."""
