"""Devices, cost model and the choice of lanes and folding for a board."""
