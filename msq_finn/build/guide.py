"""What a deployment package says of itself: its README, and a notebook for the board."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray

#: Operations with which a model normalises its own inputs.
_NORMALISING = {"Add", "Sub", "Mul", "Div"}

#: Operations that turn scores into the number of a class.
_LABELLING = {"TopK", "ArgMax"}


@dataclass(frozen=True)
class Input:
    """What goes into an input of a network.

    Attributes:
        name: in the exported model.
        images: reference inputs, [images, ...], float32.
        thresholds: of the quantizer before the accelerator, [channels or 1, steps]; None if the
            accelerator quantizes the input itself.
    """

    name: str
    images: NDArray[np.float32]
    thresholds: NDArray[np.float32] | None

    @property
    def shape(self) -> str:
        """With the axis of images."""
        return _batch(self.images)

    def range(self, normalised: bool) -> str:
        """Where values lie, and from where on they are clipped.

        Args:
            normalised: whether the processor normalises them before.
        """
        seen = f"{self.images.min():.6g} to {self.images.max():.6g} in the reference images"
        if self.thresholds is None:
            return seen
        low, high, count = self.thresholds.min(), self.thresholds.max(), self.thresholds.shape[1]
        behind = ", after that normalisation" if normalised else ""
        return (
            f"{seen}; the input quantizer has {count} thresholds from {low:.6g} to {high:.6g}"
            f"{behind}, and tells nothing apart below and above"
        )


@dataclass(frozen=True)
class Signature:
    """What goes into a network, and what comes out.

    Attributes:
        inputs: in the exported model's order.
        outputs: the exported model's for the reference images, [images, ...] each, by name.
        before: operations that the processor runs before the accelerator, in order.
        after: operations that it runs behind the accelerator, in order.
    """

    inputs: Sequence[Input]
    outputs: Mapping[str, NDArray[Any]]
    before: Sequence[str]
    after: Sequence[str]

    @property
    def ends(self) -> list[dict[str, str]]:
        """Per input and output what the README's table says of it."""
        # One has no need of its name.
        heads = ["input" if len(self.inputs) == 1 else f"input `{i.name}`" for i in self.inputs]
        normalised = bool(set(self.before) & _NORMALISING)
        found = [
            {
                "head": head,
                "shape": end.shape,
                "type": "float32",
                "range": end.range(normalised),
                "meaning": self.normalisation,
            }
            for head, end in zip(heads, self.inputs, strict=True)
        ]
        for name, values in self.outputs.items():
            spread = f"{values.min():.6g} to {values.max():.6g} for the reference images"
            found.append(
                {
                    "head": "output" if len(self.outputs) == 1 else f"output `{name}`",
                    "shape": _batch(values),
                    "type": str(values.dtype),
                    "range": spread,
                    "meaning": self.classes,
                }
            )
        return found

    @property
    def normalisation(self) -> str:
        """What the package does to images before it quantizes them."""
        own = [op for op in self.before if op in _NORMALISING]
        if own:
            return f"the exported model's own ({', '.join(own)}), which the package computes"
        return "none in the exported model: give images normalised as they were for training"

    @property
    def classes(self) -> str:
        """What an output stands for."""
        order = (
            "counted as in the labels of training; rows that the hardware reordered are put back"
        )
        if _LABELLING & set(self.after):
            return f"numbers of classes, {order}"
        return f"position k is output k of the exported model: class k, {order}"

    @property
    def names(self) -> str:
        """How several inputs and outputs are passed, nothing where there is one of each."""
        parts = []
        if len(self.inputs) > 1:
            names = ", ".join(repr(end.name) for end in self.inputs)
            parts.append(
                f"`images` is a dictionary with an array for each input ({names}), or a list of "
                "arrays in that order"
            )
        if len(self.outputs) > 1:
            names = ", ".join(map(repr, self.outputs))
            parts.append(f"`outputs` is a dictionary with an array for each output ({names})")
        return "; ".join(parts)


def readme(
    manifest: dict[str, Any],
    simulated: dict[str, Any],
    signature: Signature,
    longest: int | None = None,
) -> str:
    """Write the package's README.

    Args:
        manifest: what the build recorded.
        simulated: figures of the simulation.
        signature: what goes in and comes out.
        longest: steps of a sequence, where shorter ones can be asked for.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("msq_finn.build", "."), keep_trailing_newline=True
    )
    return environment.get_template("deploy.md.j2").render(
        m=manifest,
        s=simulated,
        io=signature,
        longest=longest,
        images=len(signature.inputs[0].images),
        operations=[*signature.before, *signature.after],
    )


def notebook(manifest: dict[str, Any], signature: Signature) -> str:
    """Write the package's notebook, which PYNQ's Jupyter runs as root.

    Args:
        manifest: what the build recorded.
        signature: what goes in and comes out.

    Returns:
        Jupyter's JSON, format 4.
    """
    cells = [
        _text(
            f"# A network on {manifest['board']}\n",
            "\n",
            "Run this on the board, in the folder `deploy` under `jupyter_notebooks`. "
            "Inputs, outputs and images of PYNQ that this is for are in `README.md`.",
        ),
        _code(
            "import sys\n",
            "\n",
            "import numpy as np\n",
            "\n",
            'sys.path.insert(0, "driver")\n',
            "from msq_board.overlay import load\n",
            "from msq_board.validate import validate\n",
            "\n",
            'network = load("driver", "bitfile/finn-accel.bit")',
        ),
        _text("The reference images, compared with the simulation: both mismatches have to be 0."),
        _code(
            "from pathlib import Path\n",
            "\n",
            'result = validate(network, Path("driver/reference.npz"))\n',
            "result",
        ),
        _text(
            f"Images of your own: float32, {_shapes(signature)}; here the reference images "
            "stand for them.",
        ),
        _code(
            "from msq_board.validate import reference_arrays\n",
            "\n",
            'images = reference_arrays(Path("driver/reference.npz"))["images"]\n',
            "network.batch_size = len(images[0])\n",
            "outputs = network.execute(images)\n",
            _shown(signature),
        ),
        _text("Frames per second, by the number of images that are sent at once."),
        _code(
            "rates = {}\n",
            "for size in (1, 16, 256):\n",
            "    network.batch_size = size\n",
            '    rates[size] = network.throughput_test()["throughput[images/s]"]\n',
            "rates",
        ),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 2,
    }
    return json.dumps(content, indent=1) + "\n"


def _shapes(signature: Signature) -> str:
    if len(signature.inputs) == 1:
        return signature.inputs[0].shape
    return ", ".join(f"`{end.name}` {end.shape}" for end in signature.inputs)


def _shown(signature: Signature) -> str:
    """The notebook's line that shows outputs."""
    if len(signature.outputs) > 1:
        return "{name: values.shape for name, values in outputs.items()}"
    labels = "" if _LABELLING & set(signature.after) else ".argmax(axis=1)"
    return f"outputs.reshape(len(outputs), -1){labels}"


def _batch(values: NDArray[Any]) -> str:
    return f"[{', '.join(['images', *map(str, values.shape[1:])])}]"


def _text(*lines: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": list(lines)}


def _code(*lines: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": list(lines),
    }
