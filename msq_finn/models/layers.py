"""What all networks here are made of: activations' quantizers, and layers quantized or float."""

from typing import Any

from brevitas.nn import (
    QuantConv1d,
    QuantConv2d,
    QuantConvTranspose2d,
    QuantIdentity,
    QuantLinear,
    QuantReLU,
)
from brevitas.quant.scaled_int import (
    Int8ActPerTensorFloat,
    Uint8ActPerTensorFloat,
    Uint8ActPerTensorFloatMaxInit,
)
from torch import nn

from msq_finn.quant import FixedWeightPerTensorFloat


class PixelQuant(Uint8ActPerTensorFloatMaxInit):
    """Unsigned 4-bit pixels on the fixed scale 1/16; brighter pixels than 15/16 saturate."""

    scaling_impl_type = "const"
    bit_width = 4
    max_val = 15 / 16


class ActQuant(Uint8ActPerTensorFloat):
    """Unsigned 4-bit activations on one learned scale, first taken from 50 batches."""

    bit_width = 4
    collect_stats_steps = 50


class SignedActQuant(Int8ActPerTensorFloat):
    """Signed 8-bit activations on one learned scale: inputs, and the operands of adds."""

    collect_stats_steps = 50


class LayerFactory:
    """Makes layers, quantized or float alike; see the package's text for the arguments.

    Args:
        weight_quant: quantizer of weights, or None.
        weight_options: keywords for quantized layers.
        dims: of convolutions: 1 for signals, 2 for images.
    """

    def __init__(
        self, weight_quant: Any | None, weight_options: dict[str, Any], dims: int = 2
    ) -> None:
        self.quantized = weight_quant is not None
        self.weights = {"weight_quant": weight_quant, **weight_options} if self.quantized else {}
        float_conv, quant_conv, self.norm = {
            1: (nn.Conv1d, QuantConv1d, nn.BatchNorm1d),
            2: (nn.Conv2d, QuantConv2d, nn.BatchNorm2d),
        }[dims]
        self._conv = quant_conv if self.quantized else float_conv

    def conv(self, inputs: int, outputs: int, kernel: int | tuple[int, int], **shape: Any) -> Any:
        """Make a convolution without bias that pads to keep the size, divided by the stride.

        A kernel of two sizes pads nothing, unless told to.

        Args:
            inputs: channels in.
            outputs: channels out: rows of weights.
            kernel: height and width of the window.
            shape: further arguments of torch's convolution, such as ``stride`` and ``groups``.
        """
        padding = kernel // 2 if isinstance(kernel, int) else 0
        shape = {"kernel_size": kernel, "padding": padding, "bias": False, **shape}
        return self._conv(inputs, outputs, **shape, **self.weights)

    def enlarge(self, inputs: int, outputs: int) -> Any:
        """Make a transposed convolution without bias that doubles height and width.

        Args:
            inputs: channels in.
            outputs: channels out: rows of weights.
        """
        make = QuantConvTranspose2d if self.quantized else nn.ConvTranspose2d
        return make(inputs, outputs, 2, stride=2, bias=False, **self.weights)

    def linear(self, inputs: int, outputs: int) -> Any:
        """Make a fully connected layer without bias.

        Args:
            inputs: neurons in.
            outputs: neurons out: rows of weights.
        """
        make = QuantLinear if self.quantized else nn.Linear
        return make(inputs, outputs, bias=False, **self.weights)

    def classifier(self, inputs: int, outputs: int) -> Any:
        """Make the last layer, with one scale for all rows, so that its outputs compare.

        Args:
            inputs: neurons in.
            outputs: classes.
        """
        if not self.quantized:
            return nn.Linear(inputs, outputs, bias=False)
        return QuantLinear(inputs, outputs, bias=False, weight_quant=FixedWeightPerTensorFloat)

    def head(self, inputs: int, outputs: int) -> Any:
        """Make a last layer of maps, with one scale for all rows.

        Args:
            inputs: channels in.
            outputs: numbers a pixel.
        """
        if not self.quantized:
            return nn.Conv2d(inputs, outputs, 1, bias=False)
        weights = {"weight_quant": FixedWeightPerTensorFloat}
        return QuantConv2d(inputs, outputs, 1, bias=False, **weights)

    def relu(self) -> Any:
        """Make an activation."""
        return QuantReLU(act_quant=ActQuant) if self.quantized else nn.ReLU()

    def identity(self, act_quant: Any = SignedActQuant) -> Any:
        """Make a quantizer of inputs, or of operands of an add that have to share a scale.

        Args:
            act_quant: Brevitas quantizer of activations.
        """
        return QuantIdentity(act_quant=act_quant) if self.quantized else nn.Identity()

    def conv_relu(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int] = 3,
        relu: Any = None,
        **shape: Any,
    ) -> nn.Sequential:
        """Make a convolution, its normalisation and activation; arguments as of `conv`.

        Args:
            inputs: channels in.
            outputs: channels out.
            kernel: height and width of the window.
            relu: activation that others share, because their outputs are concatenated; by default
                one of its own.
            shape: further arguments of torch's convolution.
        """
        conv = self.conv(inputs, outputs, kernel, **shape)
        return nn.Sequential(conv, self.norm(outputs), relu or self.relu())

    def linear_relu(self, inputs: int, outputs: int) -> list[nn.Module]:
        """Make a fully connected layer, its normalisation and activation.

        Args:
            inputs: neurons in.
            outputs: neurons out.
        """
        return [self.linear(inputs, outputs), nn.BatchNorm1d(outputs), self.relu()]
