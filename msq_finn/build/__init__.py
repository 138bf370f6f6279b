"""FINN build steps, stitching without Vivado, reports."""
