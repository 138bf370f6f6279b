"""Layers that Brevitas has not, by its conventions."""

from msq_finn.nn.quant_gru import QuantGRU

__all__ = ["QuantGRU"]
