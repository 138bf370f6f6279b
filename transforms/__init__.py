"""QONNX and FINN graph transformations."""
