"""Brevitas quantizers for SP2, fixed-point and row-mixed weights."""
