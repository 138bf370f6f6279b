"""Shapes and types of what goes in and out, from arrays to the bytes that DMAs move.

The methods have the names and the meaning of those of FINN's own driver.
"""

from __future__ import annotations

from typing import Any

from .packing import Element, element, pack, unpack


class Formats:
    """Inputs and outputs as arrays, as streams and as bytes.

    Attributes:
        batch_size: frames per run.

    Args:
        shapes: ``io_shape_dict`` of FINN's ``settings.json``.
        batch_size: frames per run.

    Raises:
        ValueError: ``shapes`` has a type that is not packed here, or ``batch_size`` is no whole
            number from 1 on.
    """

    def __init__(self, shapes: dict[str, Any], batch_size: int) -> None:
        self._shapes = shapes
        self._idt = [element(name) for name in shapes["idt"]]
        self._odt = [element(name) for name in shapes["odt"]]
        self.batch_size = batch_size

    def idt(self, ind: int = 0) -> Element:
        """Type of an input's elements."""
        return self._idt[ind]

    def odt(self, ind: int = 0) -> Element:
        """Type of an output's elements."""
        return self._odt[ind]

    def ishape_normal(self, ind: int = 0) -> tuple[int, ...]:
        """Shape in which an input is given, ``batch_size`` first."""
        return self._shape("ishape_normal", ind)

    def oshape_normal(self, ind: int = 0) -> tuple[int, ...]:
        """Shape in which an output is returned, ``batch_size`` first."""
        return self._shape("oshape_normal", ind)

    def ishape_folded(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of an input as a stream, the elements of a word last."""
        return self._shape("ishape_folded", ind)

    def oshape_folded(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of an output as a stream, the elements of a word last."""
        return self._shape("oshape_folded", ind)

    def ishape_packed(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of an input's buffer, the bytes of a word last."""
        return self._shape("ishape_packed", ind)

    def oshape_packed(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of an output's buffer, the bytes of a word last."""
        return self._shape("oshape_packed", ind)

    def _shape(self, key: str, ind: int) -> tuple[int, ...]:
        return (self.batch_size, *self._shapes[key][ind][1:])

    def fold_input(self, ibuf_normal: Any, ind: int = 0) -> Any:
        """Give an input the shape of a stream.

        Args:
            ibuf_normal: of the shape ``ishape_normal(ind)``.

        Raises:
            ValueError: it has another shape.
        """
        if ibuf_normal.shape != self.ishape_normal(ind):
            raise ValueError(
                f"input {ind} has shape {ibuf_normal.shape}; with batch_size {self.batch_size} it "
                f"is {self.ishape_normal(ind)}"
            )
        return ibuf_normal.reshape(self.ishape_folded(ind))

    def pack_input(self, ibuf_folded: Any, ind: int = 0) -> Any:
        """Pack an input into the bytes that its DMA reads.

        Args:
            ibuf_folded: of the shape ``ishape_folded(ind)``.

        Raises:
            ValueError: a value is none of the input's type.
        """
        return pack(ibuf_folded, self.idt(ind))

    def unpack_output(self, obuf_packed: Any, ind: int = 0) -> Any:
        """Unpack the bytes that an output's DMA wrote.

        Args:
            obuf_packed: of the shape ``oshape_packed(ind)``.
        """
        return unpack(obuf_packed, self.odt(ind), self.oshape_folded(ind)[-1])

    def unfold_output(self, obuf_folded: Any, ind: int = 0) -> Any:
        """Give an output its normal shape.

        Args:
            obuf_folded: of the shape ``oshape_folded(ind)``.
        """
        return obuf_folded.reshape(self.oshape_normal(ind))
