"""Resource measurement with Yosys."""
