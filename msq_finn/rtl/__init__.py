"""SystemVerilog sources of the lanes and layers."""
