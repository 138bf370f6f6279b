"""What becomes of every layer, shape and function: the page "What can be built" as data.

Tests build a network for every line, so that it stays true.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Line:
    """A line of the page.

    Attributes:
        group: heading that it stands below.
        what: is in the network.
        outcome: "lanes", "RTL", "host" or "refused".
        sign: what shows it: type of a hardware op, or of an operation on the host, or a part of the
            refusal.
        note: what else there is to say, for people.
    """

    group: str
    what: str
    outcome: str
    sign: str
    note: str


_ONE_SCALE = "the error names both quantizers and the two lines that cure it"

_GROUPS = {
    "Layers": (
        ("Linear", "lanes", "MVAU_MSQ", ""),
        (
            "Conv1d",
            "lanes",
            "MVAU_MSQ",
            "a map one pixel wide, also pools, slices and joins",
        ),
        ("Conv2d", "lanes", "MVAU_MSQ", "any kernel, stride and padding"),
        ("Conv2d with groups", "lanes", "MVAU_MSQ", "as a dense matrix with zeros"),
        ("Conv2d, depthwise", "lanes", "VVAU_MSQ", ""),
        (
            "Conv2d, depthwise, two outputs a channel",
            "lanes",
            "MVAU_MSQ",
            "as a dense matrix with zeros",
        ),
        ("Conv2d with dilation", "lanes", "MVAU_MSQ", ""),
        (
            "Conv2d with padding='same'",
            "refused",
            "auto_pad SAME_UPPER",
            "give padding as numbers, such as padding=1 of a 3x3 window",
        ),
        (
            "ConvTranspose2d",
            "lanes",
            "FMPadding_Pixel",
            "zeros between the pixels, then a convolution",
        ),
        (
            "Linear behind the average of a map",
            "lanes",
            "GlobalAccPool",
            "the factor goes into what is behind",
        ),
        ("Linear behind an average and a quantizer", "lanes", "GlobalAccPool", ""),
        (
            "a layer on float inputs",
            "host",
            "MatMul",
            "put a quantizer before it; `plan` and `build` name it",
        ),
    ),
    "Recurrent layers": (
        (
            "QuantLSTM",
            "lanes",
            "LSTM_MSQ",
            "all its steps in one layer; states of all steps or the last; one layer on the other",
        ),
        ("msq_finn.nn.QuantGRU", "lanes", "GRU_MSQ", "likewise"),
        (
            "both directions",
            "lanes",
            "ReverseSteps",
            "a layer each; the backward one between memories that turn sequences round",
        ),
        (
            "inputs that io_quant does not quantize",
            "refused",
            "quantize both by one quantizer (io_quant)",
            "one matrix multiplies inputs and states",
        ),
    ),
    "Maps": (
        ("MaxPool2d", "RTL", "Pool", ""),
        ("MaxPool2d of signed values", "RTL", "Pool", ""),
        (
            "MaxPool2d of signed values, padded",
            "refused",
            "pads of signed values have no hardware",
            "hardware pads with zeros",
        ),
        ("MaxPool2d with dilation", "refused", "no hardware for dilations", ""),
        ("AvgPool2d", "RTL", "Pool", "sums; the factor goes into what is behind"),
        ("Upsample, nearest", "RTL", "UpsampleNearestNeighbour", "by whole factors"),
        (
            "Upsample, bilinear",
            "host",
            "Resize",
            "with all that is behind it; a board's processor does not compute it",
        ),
        ("ZeroPad2d", "RTL", "FMPadding", "each side by its own number"),
        ("ReflectionPad2d", "refused", "no hardware for mode 'reflect'", ""),
        ("torch.split", "RTL", "StreamingSplit", "of channels"),
        ("a slice of channels", "RTL", "StreamingSplit", "slices that do not overlap"),
        ("pixels of a map as channels (PixelUnshuffle)", "refused", "exists in Vitis HLS only", ""),
    ),
    "Joins": (
        ("a sum, one quantizer for both branches", "RTL", "ElementwiseAddInt", ""),
        ("a sum with a block's input", "RTL", "ElementwiseAddInt", ""),
        (
            "a sum of branches of two scales",
            "refused",
            "the branches that are added have scales of their own",
            _ONE_SCALE,
        ),
        ("a concatenation, one quantizer for all", "RTL", "StreamingConcat", ""),
        (
            "a concatenation of two scales",
            "refused",
            "the branches that are concatenated have scales of their own",
            _ONE_SCALE,
        ),
        ("a map concatenated with itself", "refused", "twice, and no hardware forks", ""),
        ("a product of two branches", "refused", "joins streams of the accelerator", ""),
    ),
    "Functions before a quantizer": (
        ("ReLU", "RTL", "Thresholding", ""),
        ("ReLU6", "RTL", "Thresholding", ""),
        ("LeakyReLU", "RTL", "Thresholding", ""),
        ("PReLU", "RTL", "Thresholding", "also one per channel"),
        ("Hardtanh", "RTL", "Thresholding", ""),
        ("Sigmoid", "RTL", "Thresholding", ""),
        ("Tanh", "RTL", "Thresholding", ""),
        ("ELU", "RTL", "Thresholding", ""),
        (
            "SiLU, unsigned",
            "RTL",
            "Thresholding",
            "the quantizer makes 0 of all that is below 0, and from there on it rises",
        ),
        (
            "SiLU from its least value on",
            "RTL",
            "Thresholding",
            "as `msq_finn.quantize` makes it: `silu(x.clamp(min=-1.278))`, which rises throughout",
        ),
        (
            "SiLU of 8 bits",
            "RTL",
            "StreamingTable",
            "a quantizer of at most 8 bits before it makes the integers that a table is read with",
        ),
        ("GELU of 6 bits", "RTL", "StreamingTable", "likewise"),
        (
            "SiLU of sums",
            "refused",
            "it neither rises nor falls throughout",
            "clamp it as above, or put a quantizer of at most 8 bits before it",
        ),
        (
            "a function without a quantizer",
            "refused",
            "no hardware for this, and hardware before and behind it",
            "",
        ),
        (
            "activations of 9 bits",
            "host",
            "Quant",
            "with all that is behind it: activations have 2 to 8 bits",
        ),
        ("activations of 1 bit", "refused", "no hardware for activations of 1 bit", ""),
    ),
    "Ends": (
        ("several outputs", "lanes", "DuplicateStreams", "by the exported model's names"),
        ("several inputs", "lanes", "StreamingConcat", "by the exported model's names"),
        ("LogSoftmax at the end", "host", "LogSoftmax", ""),
        ("Softmax at the end", "host", "Softmax", ""),
        ("Softmax of a map's channels at the end", "host", "Softmax", ""),
        ("Sigmoid at the end", "host", "Sigmoid", ""),
        ("Tanh at the end", "host", "Tanh", ""),
        ("ReLU at the end", "host", "Relu", ""),
        ("normalisation of the input", "host", "MultiThreshold", "in its quantizer"),
    ),
}

LINES = tuple(Line(group, *row) for group, rows in _GROUPS.items() for row in rows)

_HEAD = """# What can be built

What becomes of a network's parts: **lanes** (LUT and DSP lanes of a matrix-vector or depthwise
layer), **RTL** (a streaming module, or thresholds), **host** (the processor computes it, before or
behind the accelerator), or **refused**, by `msq-finn plan` already, with the reason. Everything
else than a layer on the host is bit for bit the exported model.

This page is made of `msq_finn/lowering/buildable.py`; the tests build a network for every line.
"""


def page() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    for group, lines in groupby(LINES, lambda line: line.group):
        rows = [f"| {line.what} | {line.outcome} | {line.note} |" for line in lines]
        table = ["| in the network | becomes | |", "| --- | --- | --- |", *rows]
        parts.append("\n".join([f"## {group}\n", *table, ""]))
    return "\n".join(parts)
