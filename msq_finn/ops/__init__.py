"""FINN hardware ops that compute row-mixed layers on LUT lanes and DSP lanes."""
