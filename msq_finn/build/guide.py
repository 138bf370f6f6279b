"""What a deployment package says of itself: its README, and a notebook for the board."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
class Signature:
    """What goes into a network, and what comes out.

    Attributes:
        images: reference inputs, [images, ...], float32.
        outputs: the exported model's outputs for them, [images, ...].
        before: operations that the processor runs before the accelerator, in order.
        after: operations that it runs behind the accelerator, in order.
        levels: least and largest threshold of the quantizer before the accelerator, and how many
            it has; None if the accelerator quantizes the input itself.
    """

    images: NDArray[np.float32]
    outputs: NDArray[Any]
    before: Sequence[str]
    after: Sequence[str]
    levels: tuple[float, float, int] | None

    @property
    def normalisation(self) -> str:
        """What the package does to images before it quantizes them."""
        own = [op for op in self.before if op in _NORMALISING]
        if own:
            return f"the exported model's own ({', '.join(own)}), which the package computes"
        return "none in the exported model: give images normalised as they were for training"

    @property
    def range(self) -> str:
        """Where inputs lie, and from where on they are clipped."""
        seen = f"{self.images.min():.6g} to {self.images.max():.6g} in the reference images"
        if self.levels is None:
            return seen
        low, high, count = self.levels
        behind = "" if not set(self.before) & _NORMALISING else ", after that normalisation"
        return (
            f"{seen}; the input quantizer has {count} thresholds from {low:.6g} to {high:.6g}"
            f"{behind}, and tells nothing apart below and above"
        )

    @property
    def classes(self) -> str:
        """What an output stands for."""
        order = (
            "counted as in the labels of training; rows that the hardware reordered are put back"
        )
        if _LABELLING & set(self.after):
            return f"numbers of classes, {order}"
        return f"position k is output k of the exported model: class k, {order}"


def readme(manifest: dict[str, Any], simulated: dict[str, Any], signature: Signature) -> str:
    """Write the package's README.

    Args:
        manifest: what the build recorded.
        simulated: figures of the simulation.
        signature: what goes in and comes out.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("msq_finn.build", "."), keep_trailing_newline=True
    )
    return environment.get_template("deploy.md.j2").render(
        m=manifest,
        s=simulated,
        io=signature,
        image_shape=_batch(signature.images),
        output_shape=_batch(signature.outputs),
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
            f"Images of your own: float32, {_batch(signature.images)}; here the reference images "
            "stand for them.",
        ),
        _code(
            'images = np.load("driver/reference.npz")["images"]\n',
            "network.batch_size = len(images)\n",
            "outputs = network.execute(images)\n",
            "outputs.reshape(len(images), -1)"
            + ("" if _LABELLING & set(signature.after) else ".argmax(axis=1)"),
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
