"""How long sequences are, which the recurrent layers of an accelerator read from registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .kernel_words import KernelWords


class SequenceLength:
    """The registers of all recurrent layers, each at the first word of its kernel.

    Attributes:
        longest: steps of a frame.

    Args:
        overlay: pynq's, with the bitfile loaded.
        kernels: numbers of the layers' kernels.
        longest: steps of a frame.

    Raises:
        RuntimeError: the overlay lacks one.
    """

    def __init__(self, overlay: Any, kernels: Sequence[int], longest: int) -> None:
        self.longest = longest
        self._layers = [KernelWords(overlay, kernel, "lengths of sequences") for kernel in kernels]

    def read(self) -> int:
        """Steps of a sequence.

        Raises:
            RuntimeError: layers have different ones.
        """
        found = {layer.name: layer.read() for layer in self._layers}
        if len(set(found.values())) != 1:
            raise RuntimeError(f"recurrent layers have sequences of different lengths: {found}")
        return next(iter(found.values()))

    def write(self, steps: int) -> None:
        """Set the steps of a sequence.

        Args:
            steps: from 1 to `longest`.

        Raises:
            ValueError: other steps.
            RuntimeError: a register reads as another.
        """
        if int(steps) != steps or not 1 <= steps <= self.longest:
            raise ValueError(
                f"a sequence has a whole number of steps from 1 to {self.longest}, not {steps}"
            )
        for layer in self._layers:
            layer.write([int(steps)])
