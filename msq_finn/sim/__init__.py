"""RTL simulation with Verilator, standalone and behind FINN."""
