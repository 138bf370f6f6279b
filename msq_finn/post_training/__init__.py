"""From an ordinary float network of torch to a quantized one, without labels: see `quantize`.

`float_graph` traces it, `standard_ops` writes every operation in one way and names what hardware
does not have, `place_quantizers` and `layer_quantizers` quantize, and `tune` fits the result.
"""

#: Samples that scales are measured on and the network is fitted with, of more that are given.
SAMPLES = 1024

#: Passes over them in which the quantized network learns from the float one.
EPOCHS = 16
