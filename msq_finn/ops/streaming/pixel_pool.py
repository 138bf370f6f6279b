"""PoolPixels_rtl: windows that come whole, several of them in a cycle."""

from __future__ import annotations

import math
from typing import Any

from msq_finn.ops.streaming.pool import Pool_rtl


class PoolPixels_rtl(Pool_rtl):
    """A pool of windows as a ConvolutionInputGeneratorPixels_rtl sends them.

    FINN's attributes are those of one window, but that ``OutImgDims`` counts words: ``Windows``
    windows come in one cycle, pixel by pixel with all channels, and as many pixels leave.
    """

    module = "stream_pool_whole"

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes and that of the class docstring."""
        return super().get_nodeattr_types() | {"Windows": ("i", True, 1)}

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        known = super().rtl_parameters()
        known["Channels"], known["Pixels"] = known.pop("Elements"), known.pop("Window")
        return {"Windows": self.get_nodeattr("Windows")} | known

    def parallel_elements(self) -> int:
        """Channels, all of which come at once."""
        return int(self.get_nodeattr("Channels"))

    def _word(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:-1], shape[-1] * self.get_nodeattr("Windows"))

    def get_normal_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape (1, rows, words of a row, elements of a word of windows)."""
        return self._word(super().get_normal_input_shape(ind))

    def get_normal_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape (1, rows, words of a row, elements of a word)."""
        return self._word(super().get_normal_output_shape(ind))

    def get_folded_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """A word a cycle."""
        *vectors, elements = self.get_normal_input_shape()
        return (*vectors, 1, elements)

    def get_folded_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """A word a cycle."""
        *vectors, elements = self.get_normal_output_shape()
        return (*vectors, 1, elements)

    def get_instream_width(self, ind: int = 0) -> int:
        """Bits of a word of windows."""
        return self.get_folded_input_shape()[-1] * int(self.get_input_datatype().bitwidth())

    def get_outstream_width(self, ind: int = 0) -> int:
        """Bits of a word."""
        return self.get_folded_output_shape()[-1] * int(self.get_output_datatype().bitwidth())

    def get_exp_cycles(self) -> int:
        """A word a cycle."""
        return math.prod(self.get_folded_output_shape()[:-1])

    def windows_of(self, values: Any) -> Any:
        """Lay the pixels of each window along the last axis but one.

        Args:
            values: as they come.
        """
        shape = (*self.get_normal_output_shape()[:-1], self.get_nodeattr("Windows"))
        return values.reshape(*shape, self.window(), self.get_nodeattr("Channels"))
