"""Networks from images to maps: of objects, and of every pixel's class."""

from typing import Any

import torch
from torch import Tensor, nn

from msq_finn.models.layers import LayerFactory
from msq_finn.quant import MSQWeightPerChannelFloat


class Merge(nn.Module):
    """A coarse map, enlarged and concatenated with a finer one, and a convolution of both.

    Args:
        enlarge: from the coarse map to one of twice its size, whose values have the scale of the
            finer map's.
        conv: of both maps' channels.
    """

    def __init__(self, enlarge: nn.Module, conv: nn.Module) -> None:
        super().__init__()
        self.enlarge, self.conv = enlarge, conv

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Maps of both sizes to one of the finer's."""
        merged: Tensor = self.conv(torch.cat([self.enlarge(coarse), fine], 1))
        return merged


class Yolo(nn.Module):
    """Four scales down, three up again with what was left on the way, and two heads.

    Args:
        make: maker of layers, quantized or float.
        widths: channels of the four scales, the finest first.
        numbers: that a head gives a pixel.
    """

    def __init__(self, make: LayerFactory, widths: tuple[int, ...], numbers: int) -> None:
        super().__init__()
        self.quant_in = make.identity()
        # What is concatenated shares a scale.
        relus = [make.relu() for _ in widths[:-1]]
        self.down = nn.ModuleList([make.conv_relu(3, widths[0], relu=relus[0])])
        for inputs, outputs, relu in zip(widths, widths[1:], (*relus[1:], None), strict=False):
            self.down.append(make.conv_relu(inputs, outputs, stride=2, relu=relu))
        self.up = nn.ModuleList()
        for index in reversed(range(len(relus))):
            width = widths[index]
            narrow = make.conv_relu(widths[index + 1], width, 1, relu=relus[index])
            enlarge = nn.Sequential(narrow, nn.Upsample(scale_factor=2))
            self.up.append(Merge(enlarge, make.conv_relu(2 * width, width)))
        self.coarse = make.head(widths[-2], numbers)
        self.fine = make.head(widths[0], numbers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, H, W) to maps (N, numbers, H/4, W/4) and (N, numbers, H, W)."""
        maps = [self.quant_in(x)]
        for down in self.down:
            maps.append(down(maps[-1]))
        merged = [maps.pop()]
        for up in self.up:
            merged.append(up(merged[-1], maps.pop()))
        return self.coarse(merged[1]), self.fine(merged[-1])


def yolo(
    weight_quant: Any | None = MSQWeightPerChannelFloat,
    widths: tuple[int, int, int, int] = (8, 12, 16, 24),
    numbers: int = 14,
    **weight_options: Any,
) -> nn.Module:
    """Build a small detector in the manner of YOLOv3, with two heads.

    Three times a map is enlarged and concatenated with what was there at that size on the way
    down. The coarse head is at a quarter of the image's size, the fine one at all of it.

    Args:
        widths: channels of the four scales, the finest first.
        numbers: that a head gives a pixel: 4 of a box, 1 of its presence, 1 a class, for each
            anchor.
    """
    return Yolo(LayerFactory(weight_quant, weight_options), widths, numbers)


class UNet(nn.Module):
    """Convolutions and pools down, transposed convolutions up, and skips between.

    Args:
        make: maker of layers, quantized or float.
        widths: channels of the scales, the finest first.
        classes: numbers a pixel of the result.
    """

    def __init__(self, make: LayerFactory, widths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.quant_in = make.identity()
        relus = [make.relu() for _ in widths[:-1]]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for inputs, outputs, relu in zip((3, *widths), widths, (*relus, None), strict=False):
            self.down.append(make.conv_relu(inputs, outputs, relu=relu))
        for index in reversed(range(len(relus))):
            width = widths[index]
            turned = make.enlarge(widths[index + 1], width)
            enlarge = nn.Sequential(turned, nn.BatchNorm2d(width), relus[index])
            self.up.append(Merge(enlarge, make.conv_relu(2 * width, width)))
        self.pool = nn.MaxPool2d(2)
        self.head = make.head(widths[0], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W) to scores (N, classes, H, W)."""
        x, skips = self.quant_in(x), []
        for down in self.down[:-1]:
            skips.append(down(x))
            x = self.pool(skips[-1])
        x = self.down[-1](x)
        for up in self.up:
            x = up(x, skips.pop())
        scores: Tensor = self.head(x)
        return scores


def unet(
    weight_quant: Any | None = MSQWeightPerChannelFloat,
    widths: tuple[int, ...] = (8, 16, 24),
    classes: int = 4,
    **weight_options: Any,
) -> nn.Module:
    """Build a small U-Net, which gives every pixel of an image a score for each class.

    Args:
        widths: channels of the scales, the finest first; height and width of an image are
            multiples of 2 to the power of one less than their number.
        classes: scores of a pixel.
    """
    return UNet(LayerFactory(weight_quant, weight_options), widths, classes)
