"""Couplings of networks as users write them, against groups found by hand."""

import pytest
import torch
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear, QuantMultiheadAttention, QuantReLU
from torch import nn
from torch.nn import functional as F

from msq_finn.errors import MsqError
from msq_finn.models import LayerFactory, vit_block
from msq_finn.models.mobilenet import InvertedResidual
from msq_finn.quant import FixedWeightPerChannelFloat, MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows
from msq_finn.training.couple import coupled_layers
from tests.training.test_couple import conv
from tests.training.test_coupling import groups


def linear(inputs, outputs):
    return QuantLinear(inputs, outputs, False, weight_quant=MSQWeightPerChannelFloat)


class BasicBlock(nn.Module):
    """As in torchvision, with functional activations."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, outputs), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv(outputs, outputs), nn.BatchNorm2d(outputs)
        self.downsample = None
        if inputs != outputs:
            self.downsample = nn.Sequential(conv(inputs, outputs), nn.BatchNorm2d(outputs))

    def forward(self, x):
        identity = x
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return F.relu(out)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.maxpool = conv(3, 4), nn.MaxPool2d(3, 1, 1)
        self.layer1 = nn.Sequential(BasicBlock(4, 4), BasicBlock(4, 4))
        self.layer2 = nn.Sequential(BasicBlock(4, 8), BasicBlock(8, 8))
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.layer2(self.layer1(self.maxpool(F.relu(self.conv1(x)))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class PaddedShortcut(nn.Module):
    """ResNet-20 for CIFAR with shortcuts of option A: zeros for the channels that are new."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = conv(3, 4), conv(4, 8, stride=2), conv(8, 8)

    def forward(self, x):
        x = F.relu(self.a(x))
        x = F.relu(self.b(x) + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2)))
        return F.relu(self.c(x) + x)


class Vit(nn.Module):
    """Patches, class token, positions, blocks with attention written out and LayerScale."""

    def __init__(self, width=8, heads=2):
        super().__init__()
        self.patch = QuantConv2d(3, width, 2, 2, bias=False, weight_quant=MSQWeightPerChannelFloat)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.pos = nn.Parameter(torch.zeros(1, 5, width))
        self.norm, self.heads = nn.LayerNorm(width), heads
        self.qkv, self.proj = linear(width, 3 * width), linear(width, width)
        self.fc1, self.fc2 = linear(width, 16), linear(16, width)
        self.gamma1, self.gamma2 = (nn.Parameter(torch.ones(width)) for _ in range(2))
        self.head = nn.Linear(width, 3)

    def attend(self, x):
        n, t, c = x.shape
        qkv = self.qkv(x).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        x = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, c)
        return self.proj(x)

    def forward(self, x, mask=None):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.pos
        if mask is not None:
            x = x * mask
        x = x + self.gamma1 * self.attend(self.norm(x))
        x = (
            x
            + F.dropout(self.fc2(F.gelu(self.fc1(self.norm(x)))), 0.1, self.training) * self.gamma2
        )
        return self.head(self.norm(x)[:, 0])


class LibraryAttention(nn.Module):
    """Brevitas's attention, and torch's."""

    def __init__(self):
        super().__init__()
        self.embed = linear(4, 8)
        options = {"batch_first": True, "out_proj_weight_quant": MSQWeightPerChannelFloat}
        self.quantized = QuantMultiheadAttention(
            8, 2, in_proj_weight_quant=MSQWeightPerChannelFloat, **options
        )
        self.plain, self.last = nn.MultiheadAttention(8, 2, batch_first=True), linear(8, 8)

    def forward(self, x):
        x = self.embed(x)
        x = x + self.quantized(x, x, x)[0]
        x = x + self.plain(x, x, x)[0]
        return x + self.last(x)


class DenseNet(nn.Module):
    """Every layer sees all before it; nothing is added."""

    def __init__(self):
        super().__init__()
        self.stem, self.a, self.b, self.c = conv(3, 4), conv(4, 4), conv(8, 4), conv(12, 6)

    def forward(self, x):
        features = [self.stem(x)]
        for layer in (self.a, self.b):
            features.append(F.relu(layer(torch.cat(features, 1))))
        return self.c(torch.cat(features, dim=1))


class UNet(nn.Module):
    """Down, up, the skip beside; and a last add."""

    def __init__(self):
        super().__init__()
        self.down, self.deep, self.up, self.out = conv(3, 4), conv(4, 4), conv(8, 4), conv(4, 4)

    def forward(self, x):
        skip = F.relu(self.down(x))
        deep = F.relu(self.deep(F.max_pool2d(skip, 2)))
        deep = F.interpolate(deep, scale_factor=2.0, mode="nearest")
        y = self.up(torch.cat((skip, deep), 1))
        return y + self.out(F.relu(y))


class Halves(nn.Module):
    """Concatenations of two halves are added: half by half."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d, self.e = (conv(3, 4) for _ in range(5))

    def forward(self, x):
        y = torch.cat([self.a(x), self.b(x)], 1) + torch.cat([self.c(x), self.d(x)], 1)
        first, second = y.chunk(2, dim=1)
        return first, second + self.e(x)


class HalvesAndWhole(Halves):
    """A concatenation is added to one layer of as many rows."""

    def __init__(self):
        super().__init__()
        self.whole = conv(3, 8)

    def forward(self, x):
        return torch.cat([self.a(x), self.b(x)], 1) + self.whole(x)


class SqueezeExcite(nn.Module):
    """A branch scaled by what two row-mixed layers make of it, then added."""

    def __init__(self):
        super().__init__()
        self.stem, self.main = conv(3, 8), conv(8, 8)
        self.fc1, self.fc2, self.out = linear(8, 2), linear(2, 8), linear(8, 8)

    def forward(self, x):
        x = self.stem(x)
        y = self.main(x)
        n, c, _, _ = y.shape
        scale = self.fc2(F.relu(self.fc1(y.mean((2, 3)))))
        y = y * torch.sigmoid(scale).view(n, c, 1, 1) + x
        y = F.adaptive_avg_pool2d(y, 1).flatten(1)
        return y + self.out(y)


class Shared(nn.Module):
    """A layer called twice, and two layers that share a quantizer."""

    def __init__(self):
        super().__init__()
        self.stem, self.twice, self.a = conv(3, 8), conv(8, 8), conv(8, 8)
        self.b = QuantConv2d(8, 8, 1, bias=False, weight_quant=self.a.weight_quant)
        self.c = conv(8, 8)

    def forward(self, x):
        x = self.stem(x)
        y = self.twice(self.twice(x))
        return y + self.a(x), self.b(x) + self.c(x)


class Depthwise(nn.Module):
    """A depthwise layer between a layer and an add, and one that leads elsewhere."""

    def __init__(self):
        super().__init__()
        self.stem, self.pointwise = conv(3, 8), conv(8, 8)
        self.depthwise, self.aside = conv(8, 8, groups=8), conv(8, 8, groups=8)
        self.out = conv(8, 5)

    def forward(self, x):
        x = self.stem(x)
        return self.out(self.aside(F.relu(self.depthwise(self.pointwise(x)) + x)))


class Uniform(nn.Module):
    """A layer of one scheme between: it has no rows to assign, and ends what comes before."""

    def __init__(self):
        super().__init__()
        self.a, self.c = conv(3, 8), conv(8, 8)
        self.b = QuantConv2d(8, 8, 1, bias=False, weight_quant=FixedWeightPerChannelFloat)
        self.quant = QuantIdentity(return_quant_tensor=True)

    def forward(self, x):
        y = self.quant(self.b(self.a(x)))
        return self.quant(self.c(y)) + y


class OneRow(nn.Module):
    """A row-mixed layer of one row, whose only channel scales all of another's."""

    def __init__(self):
        super().__init__()
        self.stem, self.gate, self.out = conv(3, 8), conv(8, 1), conv(8, 8)

    def forward(self, x):
        x = self.stem(x)
        return self.out(x * torch.sigmoid(self.gate(x))) + x


class TimeEmbedding(nn.Module):
    """A vector added to every pixel, as in diffusion networks."""

    def __init__(self):
        super().__init__()
        self.image, self.time = conv(3, 8), linear(3, 8)

    def forward(self, x):
        return self.image(x) + self.time(x.mean((2, 3)))[:, :, None, None]


def inverted_residuals():
    """The first blocks of MobileNet-v2, with row-mixed depthwise layers inside."""
    make = LayerFactory(MSQWeightPerChannelFloat, {})
    shapes = ((4, 4, 1, 1), (4, 4, 2, 1), (4, 6, 2, 2), (6, 6, 2, 1))
    return nn.Sequential(make.conv_relu(3, 4), *(InvertedResidual(make, *s) for s in shapes))


IMAGE = torch.rand(2, 3, 4, 4)
TRANSFORMER = [["patch", "proj", "fc2"]]
BLOCKS = [
    ["conv1", "layer1.0.conv2", "layer1.1.conv2"],
    ["layer2.0.conv2", "layer2.0.downsample.0", "layer2.1.conv2"],
]
MOBILENET = [["0.0", "1.project.0", "2.project.0"], ["3.project.0", "4.project.0"]]
NETWORKS = {
    "ResNet": (ResNet, IMAGE, BLOCKS),
    "ViT": (Vit, IMAGE, TRANSFORMER),
    "the product's ViT block": (vit_block, torch.rand(1, 5, 64), [["proj", "fc2"]]),
    "DenseNet": (DenseNet, IMAGE, []),
    "U-Net": (UNet, IMAGE, [["up", "out"]]),
    "halves": (Halves, IMAGE, [["a", "c"], ["b", "d", "e"]]),
    "squeeze and excite": (SqueezeExcite, IMAGE, [["stem", "main", "fc2", "out"]]),
    "shared": (Shared, IMAGE, [["twice", "a", "c"]]),
    "depthwise": (Depthwise, IMAGE, [["stem", "pointwise", "depthwise"]]),
    "uniform": (Uniform, IMAGE, []),
    "one row": (OneRow, IMAGE, [["stem", "out"]]),
    "MobileNet-v2": (inverted_residuals, IMAGE, MOBILENET),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_have_the_groups_found_by_hand(name):
    make, example, expected = NETWORKS[name]
    model = make()
    assert groups(model, None) == (expected, [])
    assert groups(model, example) == (expected, [])


@pytest.mark.parametrize(
    ("make", "example", "expected"),
    [
        (LibraryAttention, torch.rand(2, 5, 4), [["embed", "quantized.out_proj", "last"]]),
        (TimeEmbedding, IMAGE, [["image", "time"]]),
    ],
)
def test_what_tracing_says_it_lost_an_example_finds(make, example, expected):
    model = make()
    found, said = groups(model, None)
    assert found != expected
    assert all("or give coupled_layers an example input" in text for text in said) and said
    assert groups(model, example) == (expected, [])


@pytest.mark.parametrize(
    ("make", "layers", "expected"),
    [(HalvesAndWhole, "a, b, whole", []), (PaddedShortcut, "a, b", [["b", "c"]])],
)
def test_rows_that_meet_others_in_part_are_named(make, layers, expected):
    model = make()
    for example in (None, IMAGE):
        found, said = groups(model, example)
        assert found == expected
        assert len(said) == 1 and f"the rows of {layers} meet, but not row by row" in said[0]


class Undecided(Uniform):
    """Decides on shapes and values, and asserts what Brevitas's own examples assert."""

    def forward(self, x):
        y = self.quant(self.a(x))
        if y.shape[1] == 8 and x.sum() > 0:
            y = y + self.quant(self.c(y.value))
        return y


def test_networks_with_decisions_are_run():
    model = Undecided()
    with pytest.raises(MsqError, match=r"torch\.fx can't trace Undecided: .*give .* an example"):
        coupled_layers(model)
    assert coupled_layers(model, IMAGE) == [["a", "c"]]
    assert coupled_layers(model, -IMAGE) == []
    with pytest.raises(MsqError, match="layer a does not take the batch"):
        coupled_layers(model, torch.rand(2, 5, 4, 4))


def test_brevitas_own_residual_blocks_are_coupled():
    examples = pytest.importorskip("brevitas_examples.bnn_pynq.models.resnet")
    quant = {"weight_quant": MSQWeightPerChannelFloat, "weight_bit_width": 4}
    model = nn.Sequential(
        conv(3, 4),
        QuantReLU(return_quant_tensor=True),
        examples.QuantBasicBlock(4, 4, **quant),
        examples.QuantBasicBlock(4, 8, stride=2, **quant),
    )
    expected = [["0", "2.conv2"], ["3.conv2", "3.downsample.0"]]
    assert groups(model, IMAGE) == (expected, [])


def compiled(model):
    return torch.compile(model, backend="eager")


def compiled_in_part(model):
    model.layer1 = compiled(model.layer1)
    return model


def compiled_in_place(model):
    model.layer1.compile(backend="eager")
    return model


@pytest.mark.parametrize(
    "wrap", [lambda m: m, compiled, compiled_in_part, compiled_in_place, nn.DataParallel]
)
def test_names_are_those_of_assign_rows_and_nothing_is_left_behind(wrap):
    model = ResNet().train()
    model.conv1.eval()
    wrapped = wrap(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    calls = [m._compiled_call_impl for m in model.modules()]
    for example in (None, IMAGE):
        found = coupled_layers(wrapped, example)
        plain = [[n.replace("_orig_mod.", "").replace("module.", "") for n in g] for g in found]
        assert plain == BLOCKS
        assert {name for group in found for name in group} <= set(assign_rows(wrapped, {}))
    assert model.training and not model.conv1.training and model.layer2[0].bn1.training
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())
    assert [m._compiled_call_impl for m in model.modules()] == calls
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert all(p.grad is None for p in model.parameters())
