"""The stand-in for Vivado and Vitis HLS: a process that runs one script, command by command."""
