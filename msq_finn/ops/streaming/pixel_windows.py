"""ConvolutionInputGeneratorPixels_rtl: windows of several neighbouring pixels in one cycle."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.rtl.convolutioninputgenerator_rtl import (
    ConvolutionInputGenerator_rtl,
)
from finn.custom_op.fpgadataflow.rtlbackend import RTLBackend

from msq_finn.finn_compat.nodes import execute_rtl
from msq_finn.rtl.pixel_words import PixelWords, row_axis


class ConvolutionInputGeneratorPixels_rtl(ConvolutionInputGenerator_rtl):
    """FINN's window generator over words of several pixels, of which whole windows leave.

    FINN's attributes are those of the map of words: a word is a pixel of ``Pixels`` times as many
    channels. ``PixelKernel`` and ``PixelStride`` are of the windows along the row, whose first one
    begins ``First`` pixels behind its word; ``Windows`` of them leave in a word, each row by row,
    pixel by pixel, channel by channel. Where ``depthwise`` is set, the first pixels of all windows
    leave, then the second ones: together they are one window of more channels. Words reach further
    than the windows: of FINN's buffer only what a window has is wired to the output.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes and those of the class docstring."""
        own = ("Pixels", "Windows", "First", "PixelKernel", "PixelStride")
        return super().get_nodeattr_types() | dict.fromkeys(own, ("i", True, 0))

    def window_rows(self) -> int:
        """Rows of a window; those of signals, which are one pixel wide, are of words."""
        height = int(self.get_nodeattr("ConvKernelDim")[0])
        return height if row_axis(self.get_nodeattr("IFMDim")[1]) else 1

    def places(self) -> list[tuple[int, int, int]]:
        """Per pixel of all windows as they leave: row, word, and pixel of the word."""
        pixels = self.get_nodeattr("Pixels")
        words = PixelWords(
            pixels,
            self.get_nodeattr("Windows"),
            self.get_nodeattr("PixelStride"),
            self.get_nodeattr("First"),
            math.prod(self.get_nodeattr("ConvKernelDim")) // self.window_rows(),
            before=0,
            after=0,
            results=0,
        )
        windows = words.places(self.get_nodeattr("PixelKernel"))
        rows = range(self.window_rows())
        if self.get_nodeattr("depthwise"):
            order = [
                (row, place)
                for row in rows
                for each in zip(*windows, strict=True)
                for place in each
            ]
        else:
            order = [(row, place) for each in windows for row in rows for place in each]
        return [(row, *divmod(place, pixels)) for row, place in order]

    def elements(self) -> int:
        """Elements of a word of windows."""
        return len(self.places()) * self._channels()

    def _channels(self) -> int:
        return int(self.get_nodeattr("IFMChannels") // self.get_nodeattr("Pixels"))

    def get_normal_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape (1, rows, words of a row, elements of a word of windows)."""
        *vectors, _ = super().get_normal_output_shape()
        return (*vectors, self.elements())

    def get_folded_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """A word a cycle."""
        *vectors, elements = self.get_normal_output_shape()
        return (*vectors, 1, elements)

    def get_outstream_width(self, ind: int = 0) -> int:
        """Bits of a word of windows."""
        return self.elements() * int(self.get_output_datatype().bitwidth())

    def prepare_codegen_parallel(self) -> tuple[str, dict[str, list[str]]]:
        """FINN's template and values, with another mapping from its buffer to the output."""
        template, values = super().prepare_codegen_parallel()
        pixels, places = self.get_nodeattr("Pixels"), self.places()
        kernel = math.prod(self.get_nodeattr("ConvKernelDim")) // self.window_rows()
        values["$SIMD$"] = [str(self.get_nodeattr("SIMD") // pixels)]
        values["$MMV_IN$"], values["$MMV_OUT$"] = [str(pixels)], [str(len(places))]
        # Buffer 0 holds the newest row, a word's place in it is 0 where it is the newest.
        values["$GENERATE_OUTPUT_MAPPING$"] = [
            f"assign data_out[OUT_ELEM_WIDTH*{index}+:OUT_ELEM_WIDTH] = "
            f"reg_fifo_{self.window_rows() - 1 - row}"
            f"[OUT_ELEM_WIDTH*{(kernel - 1 - word) * pixels + pixel}+:OUT_ELEM_WIDTH];"
            for index, (row, word, pixel) in enumerate(places)
        ]
        return template, values

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Simulate the RTL where exec_mode says so, else cut windows out in Python."""
        if self.get_nodeattr("exec_mode") == "rtlsim":
            execute_rtl(self, context, graph, getattr(RTLBackend, "execute_node", None))
            return
        kernel, stride = self.get_nodeattr("ConvKernelDim"), self.get_nodeattr("Stride")
        words = context[self.onnx_node.input[0]].reshape(self.get_normal_input_shape())
        found = np.lib.stride_tricks.sliding_window_view(words, tuple(kernel), axis=(1, 2))
        found = found[:, :: stride[0], :: stride[1]].transpose(0, 1, 2, 4, 5, 3)
        shape, pixels = self.get_normal_output_shape(), self.get_nodeattr("Pixels")
        found = found.reshape(*shape[:3], self.window_rows(), -1, pixels, self._channels())
        rows, places, inner = np.array(self.places()).T
        context[self.onnx_node.output[0]] = found[:, :, :, rows, places, inner].reshape(shape)
