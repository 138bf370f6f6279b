"""A rehearsal of FINN's Vivado stages without Vivado: every Tcl script runs against a stand-in."""
