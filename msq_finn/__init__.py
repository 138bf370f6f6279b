"""Mixed-scheme quantization for Brevitas, QONNX and FINN."""

__version__ = "0.1.0"
