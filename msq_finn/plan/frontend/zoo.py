"""Shapes of well-known networks, at 4-bit weights and activations, the first layer's input 8-bit.

Operands of residual adds are quantized to 4 bits; classifiers have no thresholds behind them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from msq_finn.plan.frontend.network import Conv, Layer, Network, Node, Pair
from msq_finn.plan.frontend.pixels import pool_words
from msq_finn.plan.frontend.windows import pool_folds, waiting_pixels


def _conv(name: str, channels: int, rows: int, dim: Pair, **shape: object) -> Layer:
    conv = Conv(channels, dim, **shape)  # type: ignore[arg-type]
    mw = channels * conv.kernel[0] * conv.kernel[1]
    return Layer(name, mw, rows, conv.out[0] * conv.out[1], conv=conv)


def _square(
    name: str, channels: int, rows: int, dim: int, kernel: int = 3, stride: int = 1, pad: int = 1
) -> Layer:
    pairs = {"kernel": (kernel, kernel), "stride": (stride, stride), "pad": (pad, pad)}
    return _conv(name, channels, rows, (dim, dim), **pairs)


def _dense(name: str, inputs: int, rows: int, **options: int) -> Layer:
    return replace(Layer(name, inputs, rows, 1), **options)  # type: ignore[arg-type]


def _pool(name: str, channels: int, dim: Pair, kernel: int, stride: int = 0, pad: int = 0) -> Node:
    """A max pool, of windows side by side unless a stride is given; flat where signals are."""
    step, flat = stride or kernel, dim[1] == 1
    sizes = [(kernel, 1), (step, 1), (pad, 0)] if flat else [(n, n) for n in (kernel, step, pad)]
    kernels, strides, pads = sizes
    window = Conv(channels, dim, kernels, strides, pads)
    folds = (*pool_folds(window), *pool_words(window))
    return Node(name, "Pool", f"max pool of {kernel}", folds, channels, conv=window)


def _finished(name: str, layers: list[Layer], *nodes: Node) -> Network:
    """Give the first layer wide inputs and the last none but sums."""
    first, last = layers[0], layers[-1]
    layers[0] = replace(first, act_bits=8, act_signed=True, acc_bits=0, first=True)
    layers[-1] = replace(last, steps=0, ordered=True)
    return Network(name, tuple(layers), nodes)


def _block(name: str, inputs: int, rows: int, dim: int, stride: int) -> list[Layer]:
    """A residual block: two 3x3 convolutions, and a 1x1 one where the shape changes."""
    out = dim // stride
    layers = [
        _square(f"{name}.conv1", inputs, rows, dim, stride=stride),
        _square(f"{name}.conv2", rows, rows, out),
    ]
    waiting = waiting_pixels([layer.conv for layer in layers if layer.conv], out * out)
    layers[1] = replace(layers[1], adds=True, skip_pixels=waiting)
    if stride != 1 or inputs != rows:
        layers.append(_square(f"{name}.shortcut", inputs, rows, dim, 1, stride, pad=0))
    return [layers[0], *(replace(layer, group=name.split(".")[0]) for layer in layers[1:])]


def resnet_cifar(blocks: int) -> Network:
    """Build ResNet-8 (MLPerf Tiny, one block a stage) or ResNet-20 (three), for CIFAR-10.

    Args:
        blocks: residual blocks a stage.
    """
    layers = [replace(_square("conv", 3, 16, 32), group="stage1")]
    inputs, dim = 16, 32
    for stage, rows in enumerate((16, 32, 64)):
        for index in range(blocks):
            stride = 2 if stage and not index else 1
            layers += _block(f"stage{stage + 1}.{index + 1}", inputs, rows, dim, stride)
            inputs, dim = rows, dim // stride
    return _finished(f"resnet{6 * blocks + 2}", [*layers, _dense("fc", 64, 10)])


def cnv() -> Network:
    """Build FINN's CNV for CIFAR-10."""
    layers, pools = [], []
    dim = 32
    for index, (inputs, rows) in enumerate(
        ((3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256))
    ):
        layers.append(_square(f"conv{index + 1}", inputs, rows, dim, pad=0))
        dim -= 2
        if index in (1, 3):
            pools.append(_pool(f"pool{index + 1}", rows, (dim, dim), 2))
            dim //= 2
    layers += [_dense("fc1", 256, 512), _dense("fc2", 512, 512), _dense("fc3", 512, 10)]
    return _finished("cnv", layers, *pools)


def vgg10_radioml() -> Network:
    """Build the VGG10 of FINN's RadioML example: one-dimensional, 1024 samples of I and Q."""
    layers, pools = [], []
    samples, inputs = 1024, 2
    for index in range(7):
        shape: dict[str, object] = {"kernel": (3, 1), "pad": (1, 0)}
        layers.append(_conv(f"conv{index + 1}", inputs, 64, (samples, 1), **shape))
        pools.append(_pool(f"pool{index + 1}", 64, (samples, 1), 2))
        samples, inputs = samples // 2, 64
    layers += [_dense("fc1", 512, 128), _dense("fc2", 128, 128), _dense("fc3", 128, 24)]
    return _finished("vgg10_radioml", layers, *pools)


def kws_mlp() -> Network:
    """Build FINN's keyword spotting MLP."""
    sizes = (490, 256, 256, 256, 12)
    layers = [_dense(f"fc{i + 1}", sizes[i], sizes[i + 1]) for i in range(4)]
    return _finished("kws_mlp", layers)


def mobilenet_v1(width: float) -> Network:
    """Build MobileNet-v1 for 224x224 images of 1000 classes.

    Args:
        width: factor on the numbers of channels.
    """
    sizes = [int(width * w) for w in (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)]
    layers = [_square("conv", 3, sizes[0], 224, stride=2)]
    dim = 112
    for index in range(13):
        inputs, rows = sizes[index], sizes[index + 1]
        stride = 2 if index in (1, 3, 5, 11) else 1
        window = Conv(inputs, (dim, dim), stride=(stride, stride), pad=(1, 1))
        dim = window.out[0]
        vectors = dim * dim
        depthwise = Layer(f"dw{index + 1}", 9, inputs, vectors, conv=window, depthwise=True)
        layers += [depthwise, Layer(f"pw{index + 1}", inputs, rows, vectors)]
    return _finished(f"mobilenet_v1_{width}", [*layers, _dense("fc", sizes[-1], 1000)])


def mobilenet_v2() -> Network:
    """Build MobileNet-v2 for 224x224 images of 1000 classes."""
    layers = [_square("conv", 3, 32, 224, stride=2)]
    inputs, dim = 32, 112
    # Factor of the channels inside, rows, blocks, and stride of the first one: Sandler et al. 2018.
    wide = [(6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    shapes = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), *wide]
    for stage, (factor, rows, blocks, first) in enumerate(shapes):
        for index in range(blocks):
            stride, name, width = 1 if index else first, f"stage{stage + 1}.{index + 1}", inputs
            if factor > 1:
                width = factor * inputs
                layers.append(_square(f"{name}.expand", inputs, width, dim, 1, pad=0))
            window = Conv(width, (dim, dim), stride=(stride, stride), pad=(1, 1))
            dim = window.out[0]
            depthwise = Layer(f"{name}.dw", 9, width, dim * dim, conv=window, depthwise=True)
            group = f"stage{stage + 1}" if blocks > 1 else ""
            project = replace(_square(f"{name}.project", width, rows, dim, 1, pad=0), group=group)
            if index:
                waiting = waiting_pixels([window], dim * dim)
                project = replace(project, adds=True, skip_pixels=waiting)
            layers += [depthwise, project]
            inputs = rows
    layers.append(_square("last", inputs, 1280, dim, 1, pad=0))
    return _finished("mobilenet_v2", [*layers, _dense("fc", 1280, 1000)])


def resnet18() -> Network:
    """Build ResNet-18 for 224x224 images of 1000 classes."""
    layers = [replace(_square("conv", 3, 64, 224, 7, 2, pad=3), group="stage1")]
    inputs, dim = 64, 56
    for stage, rows in enumerate((64, 128, 256, 512)):
        for index in range(2):
            stride = 2 if stage and not index else 1
            layers += _block(f"stage{stage + 1}.{index + 1}", inputs, rows, dim, stride)
            inputs, dim = rows, dim // stride
    pool = _pool("pool", 64, (112, 112), 3, 2, 1)
    return _finished("resnet18", [*layers, _dense("fc", 512, 1000)], pool)


def resnet50() -> Network:
    """Build ResNet-50 for 224x224 images of 1000 classes."""
    layers = [_square("conv", 3, 64, 224, 7, 2, pad=3)]
    inputs, dim = 64, 56
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for index in range(blocks):
            stride = 2 if stage and not index else 1
            name, rows, out = f"stage{stage + 1}.{index + 1}", 4 * width, dim // stride
            group = f"stage{stage + 1}"
            expand = replace(_square(f"{name}.expand", width, rows, out, 1, pad=0), group=group)
            conv = _square(f"{name}.conv", width, width, dim, stride=stride)
            waiting = waiting_pixels([conv.conv] if conv.conv else [], out * out)
            layers += [
                _square(f"{name}.reduce", inputs, width, dim, 1, pad=0),
                conv,
                replace(expand, adds=True, skip_pixels=waiting),
            ]
            if not index:
                shortcut = _square(f"{name}.shortcut", inputs, rows, dim, 1, stride, pad=0)
                layers.append(replace(shortcut, group=group))
            inputs, dim = rows, out
    pool = _pool("pool", 64, (112, 112), 3, 2, 1)
    return _finished("resnet50", [*layers, _dense("fc", 2048, 1000)], pool)


#: Networks of the device benchmark.
NETWORKS: dict[str, Callable[[], Network]] = {
    "resnet8": lambda: resnet_cifar(1),
    "resnet20": lambda: resnet_cifar(3),
    "cnv": cnv,
    "vgg10_radioml": vgg10_radioml,
    "kws_mlp": kws_mlp,
    "mobilenet_v1_0.25": lambda: mobilenet_v1(0.25),
    "mobilenet_v1_1.0": lambda: mobilenet_v1(1.0),
    "resnet18": resnet18,
    "resnet50": resnet50,
    "mobilenet_v2": mobilenet_v2,
}
