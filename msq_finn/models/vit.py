"""A transformer's block."""

from typing import Any

from brevitas.quant.scaled_int import Uint8ActPerTensorFloat
from torch import Tensor, nn

from msq_finn.models.layers import LayerFactory
from msq_finn.quant import MSQWeightPerChannelFloat


class VitBlock(nn.Module):
    """Attention and two fully connected layers, each normalised before and added to its input.

    Args:
        make: maker of layers, quantized or float.
        width: features of a token.
        heads: of the attention; they divide the width.
        hidden: features between the two fully connected layers.
    """

    def __init__(self, make: LayerFactory, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = make.linear(width, 3 * width)
        self.proj = make.linear(width, width)
        self.fc1, self.fc2 = make.linear(width, hidden), make.linear(hidden, width)
        self.gelu, self.softmax = nn.GELU(), nn.Softmax(dim=-1)
        self.quant_norm1, self.quant_norm2 = make.identity(), make.identity()
        self.quant_qkv, self.quant_heads = make.identity(), make.identity()
        self.quant_attention = make.identity(Uint8ActPerTensorFloat)
        self.quant_gelu = make.identity()
        self.quant_add1, self.quant_add2 = make.identity(), make.identity()

    def forward(self, x: Tensor) -> Tensor:
        """Transform tokens (N, T, width)."""
        x = self.quant_add1(x) + self.quant_add1(self._attend(self.quant_norm1(self.norm1(x))))
        y = self.quant_gelu(self.gelu(self.fc1(self.quant_norm2(self.norm2(x)))))
        result: Tensor = self.quant_add2(x) + self.quant_add2(self.fc2(y))
        return result

    def _attend(self, x: Tensor) -> Tensor:
        parts = self.quant_qkv(self.qkv(x)).unflatten(-1, (3, self.heads, self.size))
        q, k, v = (parts[:, :, i].transpose(1, 2) for i in range(3))
        attention = self.quant_attention(self.softmax(q @ k.transpose(2, 3) * self.size**-0.5))
        result: Tensor = self.proj(self.quant_heads((attention @ v).transpose(1, 2).flatten(2)))
        return result


def vit_block(
    weight_quant: Any | None = MSQWeightPerChannelFloat,
    width: int = 64,
    heads: int = 4,
    **weight_options: Any,
) -> nn.Module:
    """Build a vision transformer's block, from tokens (N, T, width) to tokens.

    Args:
        width: numbers per token; the layer between is four times as wide.
        heads: of attention; divides the width.
    """
    return VitBlock(LayerFactory(weight_quant, weight_options), width, heads, 4 * width)
