"""Networks for signals."""

from typing import Any

from brevitas.nn import QuantLSTM
from brevitas.quant import Int8ActPerTensorFloatMinMaxInit, Uint8ActPerTensorFloatMaxInit
from torch import Tensor, nn

from msq_finn.models.layers import LayerFactory
from msq_finn.nn import QuantGRU
from msq_finn.quant import MSQWeightPerChannelFloat


def mnist1d_cnn(
    weight_quant: Any | None = MSQWeightPerChannelFloat, **weight_options: Any
) -> nn.Sequential:
    """Build three convolutions and a classifier for MNIST-1D.

    Returns:
        A network from signals (N, 1, 40) to logits (N, 10).
    """
    make = LayerFactory(weight_quant, weight_options, dims=1)
    return nn.Sequential(
        make.identity(),
        make.conv_relu(1, 32, 5, stride=2),
        make.conv_relu(32, 32, 3, stride=2),
        make.conv_relu(32, 32, 3, stride=2),
        nn.Flatten(),
        make.classifier(160, 10),
    )


def vgg10(
    weight_quant: Any | None = MSQWeightPerChannelFloat, classes: int = 24, **weight_options: Any
) -> nn.Sequential:
    """Build RadioML's VGG10: seven convolutions and two hidden layers.

    Args:
        classes: number of logits, one a modulation.

    Returns:
        A network from signals (N, 2, 1024), I and Q, to logits (N, classes).
    """
    make = LayerFactory(weight_quant, weight_options, dims=1)
    layers = [make.identity()]
    for inputs in (2, *[64] * 6):
        layers += [make.conv_relu(inputs, 64), nn.MaxPool1d(2)]
    layers.append(nn.Flatten())
    for inputs in (512, 128):
        layers += make.linear_relu(inputs, 128)
    return nn.Sequential(*layers, make.classifier(128, classes))


class StateQuant(Int8ActPerTensorFloatMinMaxInit):
    """Signed 8-bit inputs and states on the fixed scale 1/128, between -1 and 1."""

    scaling_impl_type = "const"
    min_val = -1.0
    max_val = 127 / 128


class SumQuant(StateQuant):
    """Signed 8-bit sums of gates, and states of cells, on the fixed scale 1/16."""

    min_val = -8.0
    max_val = 127 / 16


class GateQuant(Uint8ActPerTensorFloatMaxInit):
    """Unsigned 8-bit gates on the fixed scale 1/256."""

    scaling_impl_type = "const"
    max_val = 255 / 256


class RecurrentClassifier(nn.Module):
    """A recurrent layer whose last state is classified.

    Args:
        make: maker of layers, quantized or float.
        kinds: the layer's class, quantized and float.
        quantizers: keywords for the quantized one.
        inputs: features of a time step.
        hidden: features of the state.
        classes: number of logits.
    """

    def __init__(
        self,
        make: LayerFactory,
        kinds: tuple[type[nn.Module], type[nn.Module]],
        quantizers: dict[str, Any],
        inputs: int,
        hidden: int,
        classes: int,
    ) -> None:
        super().__init__()
        options = {**quantizers, **make.weights} if make.quantized else {}
        self.rnn = kinds[not make.quantized](inputs, hidden, batch_first=True, **options)
        self.fc = make.classifier(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Classify sequences (N, T, inputs)."""
        _, last = self.rnn(x)
        state = last[0] if isinstance(last, tuple) else last
        result: Tensor = self.fc(state.flatten(0, -2))
        return result


#: Scales are constant powers of two: every sum and product is exact in float32, too.
_QUANTIZERS = {
    "io_quant": StateQuant,
    "gate_acc_quant": SumQuant,
    "sigmoid_quant": GateQuant,
    "tanh_quant": StateQuant,
}


def lstm_classifier(
    weight_quant: Any | None = MSQWeightPerChannelFloat,
    inputs: int = 8,
    hidden: int = 64,
    classes: int = 10,
    **weight_options: Any,
) -> nn.Module:
    """Build an LSTM and a classifier of its last state, from sequences (N, T, inputs).

    Inputs are between -1 and 1. The float network's LSTM is torch's, whose parameters Brevitas's
    LSTM loads under their own names. Each of the four gates is a layer; its weights of inputs and
    of states share a quantizer.

    Args:
        inputs: numbers at a time.
        hidden: size of the state.
        classes: number of logits.
    """
    make, quantizers = LayerFactory(weight_quant, weight_options), {"cell_state_quant": SumQuant}
    kinds = (QuantLSTM, nn.LSTM)
    return RecurrentClassifier(make, kinds, _QUANTIZERS | quantizers, inputs, hidden, classes)


def gru_classifier(
    weight_quant: Any | None = MSQWeightPerChannelFloat,
    inputs: int = 8,
    hidden: int = 64,
    classes: int = 10,
    **weight_options: Any,
) -> nn.Module:
    """Build a GRU and a classifier of its last state, from sequences (N, T, inputs).

    As `lstm_classifier`; the quantized layer is `msq_finn.nn.QuantGRU`.

    Args:
        inputs: numbers at a time.
        hidden: size of the state.
        classes: number of logits.
    """
    make = LayerFactory(weight_quant, weight_options)
    return RecurrentClassifier(make, (QuantGRU, nn.GRU), _QUANTIZERS, inputs, hidden, classes)
