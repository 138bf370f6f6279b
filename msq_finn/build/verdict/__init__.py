"""Whether a difference between RTL and exported model is a fault, or float32's rounding."""
