"""Small row-mixed networks for build tests."""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from brevitas.export import export_qonnx
from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerChannelFloat, Int32Bias
from brevitas_examples.imagenet_classification.models.mobilenetv1 import MobileNet
from torch import nn
from torch.nn import functional

from msq_finn.models import ActQuant, LayerFactory, PixelQuant
from msq_finn.quant import (
    FixedWeightPerTensorFloat,
    MSQWeightPerChannelFloat,
    SP2WeightPerChannelFloat,
)
from msq_finn.training.assign import assign_rows
from msq_finn.training.couple import coupled_layers


def _settled(model, shape, passes=60):
    """The model once its statistics have settled on random images."""
    model.train()
    with torch.no_grad():
        for _ in range(passes):
            model(torch.rand(shape))
    return model.eval()


def small_cnn():
    """Two row-mixed convolutions and a classifier with random weights, for 6x6 images."""
    torch.manual_seed(0)
    msq = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
    model = nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantConv2d(1, 8, 3, padding=1, **msq),
        nn.BatchNorm2d(8),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantConv2d(8, 8, 3, stride=2, padding=1, **msq),
        nn.BatchNorm2d(8),
        qnn.QuantReLU(act_quant=ActQuant),
        nn.Flatten(),
        qnn.QuantLinear(72, 5, bias=False, weight_quant=FixedWeightPerTensorFloat),
    )
    return _settled(model, (32, 1, 6, 6))


def rmsmp_cnn():
    """Two convolutions of PoT(4), Fixed(4) and Fixed(8) rows and a classifier, for 6x6 images."""
    torch.manual_seed(0)
    mix = {"weight_row_mix": ("pot_4", "fixed_4", "fixed_8")}
    mix |= {"weight_mix_ratios": (0.5, 0.25, 0.25), "weight_quant": MSQWeightPerChannelFloat}
    model = nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantConv2d(1, 8, 3, padding=1, bias=False, **mix),
        nn.BatchNorm2d(8),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantConv2d(8, 16, 3, stride=2, padding=1, bias=False, **mix),
        nn.BatchNorm2d(16),
        qnn.QuantReLU(act_quant=ActQuant),
        nn.Flatten(),
        qnn.QuantLinear(144, 5, bias=False, weight_quant=FixedWeightPerTensorFloat),
    )
    return _settled(model, (32, 1, 6, 6))


def signal_cnn(seed=0):
    """Two row-mixed 1-D convolutions, a pooling and a classifier, for 2x16 signals."""
    torch.manual_seed(seed)
    make = LayerFactory(MSQWeightPerChannelFloat, {}, dims=1)
    model = nn.Sequential(
        make.identity(),
        make.conv_relu(2, 8),
        nn.MaxPool1d(2),
        make.conv_relu(8, 8),
        nn.Flatten(),
        make.classifier(64, 4),
    )
    assign_rows(model, 0.5)
    return _settled(model, (32, 2, 16))


def signal_map_cnn():
    """A 1-D convolution that ends in a signal of channels."""
    torch.manual_seed(6)
    make = LayerFactory(MSQWeightPerChannelFloat, {}, dims=1)
    last = qnn.QuantConv1d(8, 4, 1, bias=False, weight_quant=MSQWeightPerChannelFloat)
    return _settled(nn.Sequential(make.identity(), make.conv_relu(2, 8), last), (8, 2, 8))


class JoinedSignals(nn.Module):
    """Channels of a signal, averaged and repeated, beside the others; a probability a sample."""

    def __init__(self):
        super().__init__()
        make = LayerFactory(MSQWeightPerChannelFloat, {}, dims=1)
        joined = make.relu()  # one scale for what is concatenated
        self.stem = nn.Sequential(make.identity(), make.conv_relu(2, 6, relu=joined))
        self.low, self.enlarge = make.conv_relu(2, 3, relu=joined), nn.Upsample(scale_factor=2)
        self.head = qnn.QuantConv1d(7, 2, 1, bias=False, weight_quant=FixedWeightPerTensorFloat)

    def forward(self, x):
        first, second = torch.split(self.stem(x), [2, 4], 1)
        low = self.enlarge(self.low(functional.avg_pool1d(first, 2)))
        return torch.sigmoid(self.head(torch.cat([low, second], 1)))


def joined_signals():
    torch.manual_seed(5)
    return _settled(JoinedSignals(), (8, 2, 12))


def pooled_signal_cnn():
    """A 1-D convolution, an average over its whole signal and a classifier."""
    torch.manual_seed(9)
    make = LayerFactory(MSQWeightPerChannelFloat, {}, dims=1)
    last = [nn.AvgPool1d(8), nn.Flatten(), make.classifier(8, 4)]
    return _settled(nn.Sequential(make.identity(), make.conv_relu(2, 8), *last), (8, 2, 8))


def mixed_to_the_end(seed=0):
    """A convolution and a classifier, both row-mixed with a scale a row, for 4x4 images."""
    torch.manual_seed(seed)
    msq = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
    model = nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantConv2d(2, 4, 3, padding=1, **msq),
        nn.BatchNorm2d(4),
        qnn.QuantReLU(act_quant=ActQuant),
        nn.Flatten(),
        qnn.QuantLinear(64, 6, **msq),
    )
    # In an order that the lanes do not have.
    rows = torch.randn(6, 1).argsort(0) + 1.0
    with torch.no_grad():
        model[-1].weight.mul_(rows)
    assign_rows(model, 0.5)
    return _settled(model, (32, 2, 4, 4))


def exported(model, path, *shapes, **options):
    """The exported file of a network on one 6x6 image, or on inputs of these shapes."""
    example = tuple(torch.rand(shape) for shape in shapes or [(1, 1, 6, 6)])
    given = example if len(example) > 1 else example[0]
    export_qonnx(model, given, str(path), dynamo=False, opset_version=13, **options)
    return path


class Residual(nn.Module):
    """A row-mixed convolution, a residual block and a classifier, for 4x4 images."""

    def __init__(self, channels=4):
        super().__init__()
        msq = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
        self.pixels = qnn.QuantIdentity(act_quant=PixelQuant)
        self.stem = nn.Sequential(
            qnn.QuantConv2d(1, channels, 3, padding=1, **msq), nn.BatchNorm2d(channels)
        )
        self.first = qnn.QuantReLU(act_quant=ActQuant)
        self.branch = nn.Sequential(
            qnn.QuantConv2d(channels, channels, 3, padding=1, **msq), nn.BatchNorm2d(channels)
        )
        self.operand = qnn.QuantReLU(act_quant=ActQuant)
        self.second = qnn.QuantReLU(act_quant=ActQuant)
        self.classifier = qnn.QuantLinear(
            16 * channels, 3, bias=False, weight_quant=FixedWeightPerTensorFloat
        )

    def forward(self, x):
        x = self.first(self.stem(self.pixels(x)))
        x = self.second(self.operand(self.branch(x)) + self.operand(x))
        return self.classifier(torch.flatten(x, 1))


def residual_cnn():
    torch.manual_seed(0)
    model = Residual()
    assign_rows(model, 0.5, coupled=coupled_layers(model))
    return _settled(model, (32, 1, 4, 4))


def fixed_branch_cnn():
    """The same, but with fixed-point rows only in the block, whose order is free."""
    torch.manual_seed(0)
    model = Residual()
    fixed = {"bias": False, "weight_quant": FixedWeightPerTensorFloat}
    model.branch[0] = qnn.QuantConv2d(4, 4, 3, padding=1, **fixed)
    assign_rows(model, 0.5)
    return _settled(model, (32, 1, 4, 4))


class InputResidual(nn.Module):
    """A convolution of quantized pixels, added to these, for 4x4 images."""

    def __init__(self):
        super().__init__()
        msq = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
        self.pixels = qnn.QuantIdentity(act_quant=PixelQuant)
        self.branch = nn.Sequential(qnn.QuantConv2d(4, 4, 3, padding=1, **msq), nn.BatchNorm2d(4))
        self.operand = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=5)
        self.activate = qnn.QuantReLU(act_quant=ActQuant)
        weight_quant = FixedWeightPerTensorFloat
        self.classifier = qnn.QuantLinear(4 * 16, 3, bias=False, weight_quant=weight_quant)

    def forward(self, x):
        x = self.pixels(x)
        x = self.activate(self.operand(self.branch(x)) + self.operand(x))
        return self.classifier(torch.flatten(x, 1))


def input_residual_cnn():
    torch.manual_seed(6)
    model = InputResidual()
    assign_rows(model, 0.5)
    return _settled(model, (16, 4, 4, 4))


class Dense(nn.Module):
    """Two convolutions, each beside all that is before it, and one on a pool of all, 4x4."""

    def __init__(self):
        super().__init__()
        msq = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
        self.pixels = qnn.QuantIdentity(act_quant=PixelQuant)
        self.stem = nn.Sequential(qnn.QuantConv2d(1, 4, 3, padding=1, **msq), nn.BatchNorm2d(4))
        self.growth = nn.Sequential(qnn.QuantConv2d(4, 8, 3, padding=1, **msq), nn.BatchNorm2d(8))
        self.more = nn.Sequential(qnn.QuantConv2d(12, 4, 3, padding=1, **msq), nn.BatchNorm2d(4))
        # One scale for all.
        self.joined = qnn.QuantReLU(act_quant=ActQuant)
        self.transition = nn.Sequential(qnn.QuantConv2d(16, 8, 1, **msq), nn.BatchNorm2d(8))
        self.activate = qnn.QuantReLU(act_quant=ActQuant)
        weight_quant = FixedWeightPerTensorFloat
        self.classifier = qnn.QuantLinear(8 * 4, 3, bias=False, weight_quant=weight_quant)

    def forward(self, x):
        x = self.joined(self.stem(self.pixels(x)))
        x = torch.cat([x, self.joined(self.growth(x))], 1)
        x = functional.max_pool2d(torch.cat([x, self.joined(self.more(x))], 1), 2)
        return self.classifier(torch.flatten(self.activate(self.transition(x)), 1))


def dense_cnn():
    torch.manual_seed(0)
    model = Dense()
    assign_rows(model, 0.5, coupled=coupled_layers(model))
    return _settled(model, (32, 1, 4, 4))


def depthwise_cnn():
    """A convolution, two depthwise and pointwise ones, pooling and a classifier, for 6x6 images.

    A depthwise layer's rows have the schemes of those before it.
    """
    torch.manual_seed(0)
    make = LayerFactory(MSQWeightPerChannelFloat, {})
    model = nn.Sequential(
        make.identity(PixelQuant),
        make.conv_relu(1, 8),
        make.conv_relu(8, 8, groups=8, stride=2),
        make.conv_relu(8, 8, 1),
        make.conv_relu(8, 8, groups=8),
        make.conv_relu(8, 16, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        make.classifier(16, 5),
    )
    assign_rows(model, 0.5, coupled=[["1.0", "2.0"], ["3.0", "4.0"]])
    return _settled(model, (32, 1, 6, 6))


def signed_mlp():
    """A row-mixed layer before a signed quantizer, with thresholds below its least sum."""
    torch.manual_seed(1)
    msq = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
    model = nn.Sequential(
        qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat),
        qnn.QuantLinear(8, 8, **msq),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantLinear(8, 8, **msq),
        qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=4),
        qnn.QuantLinear(8, 4, bias=False, weight_quant=FixedWeightPerTensorFloat),
    )
    assign_rows(model, 0.5)
    model.train()
    with torch.no_grad():
        for _ in range(30):
            model(torch.randn(16, 8))
    return model.eval()


def brevitas_mobilenet():
    """The first of the blocks of Brevitas's own MobileNet, whose activations scale per channel."""
    torch.manual_seed(4)
    model = nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant, return_quant_tensor=True),
        MobileNet(
            [[4], [8]],
            first_stage_stride=False,
            first_layer_stride=1,
            act_bit_width=4,
            weight_bit_width=4,
            first_layer_bit_width=4,
            last_layer_bit_width=4,
            round_average_pool=False,
            avg_pool_kernel_size=2,
            num_classes=5,
        ),
    )
    return _settled(model, (16, 3, 4, 4), passes=30)


def plain_mlp():
    """LayerFactory as Brevitas has them: 4-bit integers with a -8, and SP2(5) in all rows.

    Every other gain behind the integers is negative.
    """
    torch.manual_seed(3)
    whole = {"weight_quant": Int8WeightPerChannelFloat, "weight_bit_width": 4}
    normalise = nn.BatchNorm1d(8)
    with torch.no_grad():
        normalise.weight[::2] *= -1
    model = nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantLinear(8, 8, bias=False, weight_narrow_range=False, **whole),
        normalise,
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantLinear(
            8, 4, bias=False, weight_quant=SP2WeightPerChannelFloat, weight_bit_width=5
        ),
    )
    return _settled(model, (16, 8), passes=30)


def channels_last_mlp():
    """Linear layers on pixels whose channels come last, as many as there are lines."""
    torch.manual_seed(8)
    msq = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
    return _settled(
        nn.Sequential(
            qnn.QuantIdentity(act_quant=PixelQuant),
            qnn.QuantLinear(4, 4, **msq),
            qnn.QuantReLU(act_quant=ActQuant),
            qnn.QuantLinear(4, 8, **msq),
        ),
        (16, 4, 3, 4),
    )


def depthwise_input_cnn():
    """A depthwise layer on the quantized pixels, whose order is that of its mixed rows."""
    torch.manual_seed(3)
    msq = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
    return _settled(
        nn.Sequential(
            qnn.QuantIdentity(act_quant=PixelQuant),
            qnn.QuantConv2d(8, 8, 3, padding=1, groups=8, **msq),
            nn.BatchNorm2d(8),
            qnn.QuantReLU(act_quant=ActQuant),
            qnn.QuantConv2d(8, 6, 1, **msq),
        ),
        (16, 8, 4, 4),
    )


def feature_map_cnn():
    """Two row-mixed convolutions that end in a map of channels, each with a scale of its own."""
    torch.manual_seed(2)
    msq = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
    model = nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantConv2d(1, 8, 3, padding=1, **msq),
        nn.BatchNorm2d(8),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantConv2d(8, 6, 1, **msq),
    )
    assign_rows(model, 0.5)
    return _settled(model, (8, 1, 4, 5), passes=30)


class DetectorHead(nn.Module):
    """Channels last and then in pairs, as detectors order their boxes."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, 2)


def detector_cnn():
    """A convolution with a quantized bias, and a head whose outputs are reordered and reshaped."""
    torch.manual_seed(4)
    msq = {"weight_quant": MSQWeightPerChannelFloat}
    return _settled(
        nn.Sequential(
            qnn.QuantIdentity(Int8ActPerTensorFloat, bit_width=4, return_quant_tensor=True),
            qnn.QuantConv2d(1, 8, 3, padding=1, bias=True, bias_quant=Int32Bias, **msq),
            qnn.QuantReLU(act_quant=ActQuant),
            qnn.QuantConv2d(8, 6, 1, bias=False, **msq),
            DetectorHead(),
        ),
        (8, 1, 4, 4),
    )


class PooledBranch(nn.Module):
    """A stream beside its own pooling, as in pyramids and U-nets."""

    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(3, 1, 1)

    def forward(self, x):
        return torch.cat([x, self.pool(x)], 1)


def pyramid_cnn():
    """A pool in one of two branches that are concatenated."""
    torch.manual_seed(7)
    make = LayerFactory(MSQWeightPerChannelFloat, {})
    return _settled(
        nn.Sequential(
            make.identity(),
            make.conv_relu(1, 4),
            PooledBranch(),
            make.conv_relu(8, 4),
            nn.Flatten(),
            make.classifier(64, 3),
        ),
        (8, 1, 4, 4),
    )


def float_head_cnn():
    """Convolutions, and a float classifier behind a float ReLU, as in transfer learning."""
    torch.manual_seed(5)
    msq = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
    return _settled(
        nn.Sequential(
            qnn.QuantIdentity(act_quant=PixelQuant),
            qnn.QuantConv2d(1, 8, 3, padding=1, **msq),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, 3),
        ),
        (8, 1, 4, 4),
    )


def tiny_mlp():
    """A row-mixed layer and a classifier, for 4 values."""
    torch.manual_seed(8)
    model = nn.Sequential(
        qnn.QuantIdentity(act_quant=ActQuant),
        qnn.QuantLinear(4, 4, bias=False, weight_quant=MSQWeightPerChannelFloat),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantLinear(4, 2, bias=False, weight_quant=FixedWeightPerTensorFloat),
    )
    assign_rows(model, 0.5)
    return _settled(model, (16, 4))
