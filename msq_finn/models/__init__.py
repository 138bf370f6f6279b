"""Networks for the demo, tests and benchmarks, with the weight quantizer as an argument.

Each function takes ``weight_quant``, the quantizer of the hidden layers' weights, and keywords for
these layers such as ``weight_sp2_ratio=0.6``. ``weight_quant=None`` builds the float network of the
same shape and with the same names of layers. Quantized networks have unsigned 4-bit activations on
one scale per tensor, no biases in front of batch normalisation, and a 4-bit classifier with one
scale per tensor, as FINN wants them; their first layer sees quantized inputs.
"""

from msq_finn.models.images import cnv, digits_cnn, tfc
from msq_finn.models.layers import ActQuant, LayerFactory, PixelQuant, SignedActQuant
from msq_finn.models.maps import unet, yolo
from msq_finn.models.mobilenet import mobilenet_v1, mobilenet_v2
from msq_finn.models.resnet import resnet8, resnet18
from msq_finn.models.signals import gru_classifier, lstm_classifier, mnist1d_cnn, vgg10
from msq_finn.models.tiny import autoencoder, ds_cnn
from msq_finn.models.vit import vit_block

__all__ = [
    "ActQuant",
    "LayerFactory",
    "PixelQuant",
    "SignedActQuant",
    "autoencoder",
    "cnv",
    "digits_cnn",
    "ds_cnn",
    "gru_classifier",
    "lstm_classifier",
    "mnist1d_cnn",
    "mobilenet_v1",
    "mobilenet_v2",
    "resnet8",
    "resnet18",
    "tfc",
    "unet",
    "vgg10",
    "vit_block",
    "yolo",
]
