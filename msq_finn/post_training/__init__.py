"""From an ordinary float network of torch to a quantized one, without labels: see `quantize`.

`float_graph` traces it. `written_out`, `folded_constants`, `reductions` and `implied_padding` bring
what comes to an operation of hardware into its form; `standard_ops` then writes every operation in
one way and names what hardware does not have. `place_quantizers` and `layer_quantizers` quantize,
and `tune` fits the result.
"""

#: Samples that scales are measured on and the network is fitted with, of more that are given.
SAMPLES = 1024

#: Passes over them in which the quantized network learns from the float one.
EPOCHS = 16
