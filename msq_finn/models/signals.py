"""Networks for signals."""

from typing import Any

from brevitas.nn import QuantLSTM
from torch import Tensor, nn

from msq_finn.models.layers import LayerFactory
from msq_finn.quant import MSQWeightPerChannelFloat


def mnist1d_cnn(
    weight_quant: Any | None = MSQWeightPerChannelFloat, **weight_options: Any
) -> nn.Sequential:
    """Build three convolutions and a classifier for MNIST-1D.

    Args:
        weight_quant: quantizer of weights, or None for a float network.
        weight_options: keywords for it, with ``weight_`` in front.

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
        weight_quant: quantizer of weights, or None for a float network.
        classes: number of logits, one a modulation.
        weight_options: keywords for it, with ``weight_`` in front.

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


class LstmClassifier(nn.Module):
    """An LSTM whose last state is classified.

    Args:
        make: maker of layers, quantized or float.
        inputs: features of a time step.
        hidden: features of the state.
        classes: number of logits.
    """

    def __init__(self, make: LayerFactory, inputs: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.quant_in = make.identity()
        if make.quantized:
            # The cell is float: ONNX has an operator for that, none for a quantized cell.
            cell = ("bias", "io", "gate_acc", "sigmoid", "tanh", "cell_state")
            floats = {f"{name}_quant": None for name in cell}
            self.lstm = QuantLSTM(inputs, hidden, **floats, **make.weights)
        else:
            self.lstm = nn.LSTM(inputs, hidden)
        self.quant_out = make.identity()
        self.fc = make.classifier(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Classify sequences (N, T, inputs)."""
        _, (state, _) = self.lstm(self.quant_in(x).transpose(0, 1))
        # Torch's state has an axis for layers, Brevitas's has none where there is one layer.
        result: Tensor = self.fc(self.quant_out(state.flatten(0, -2)))
        return result


def lstm_classifier(
    weight_quant: Any | None = MSQWeightPerChannelFloat,
    inputs: int = 8,
    hidden: int = 64,
    classes: int = 10,
    **weight_options: Any,
) -> nn.Module:
    """Build an LSTM and a classifier of its last state, from sequences (N, T, inputs).

    The float network's LSTM is torch's, whose parameters Brevitas's LSTM loads under their own
    names. Each of the four gates is a layer; its weights of inputs and of states share a quantizer.

    Args:
        weight_quant: see the package.
        inputs: numbers at a time.
        hidden: size of the state.
        classes: number of logits.
        weight_options: see the package.
    """
    return LstmClassifier(LayerFactory(weight_quant, weight_options), inputs, hidden, classes)
