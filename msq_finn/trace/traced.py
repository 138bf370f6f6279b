"""What a trace found, as data."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class TracedLayer(BaseModel):
    """A layer with its activation, in the float network, the quantized one and the RTL.

    Attributes:
        name: of the module.
        rows: output channels per scheme; empty where the file does not say.
        scales: least and greatest scale of the weights' rows; None of weights that are float.
        float_range: least and greatest value behind the activation in the float network.
        range: the same in the quantized one.
        saturated: share of values beyond the ends of the activation's quantizer; None without one.
        channels: of what it gives.
        dead: channels of them that are the same for all images and pixels.
        snr_db: signal to noise of the quantized network beside the float one, here, with all noise
            from before; None for no noise.
        own_snr_db: the same of this layer alone, its inputs those of the float network.
        rtl_values: values of the quantizer that were seen in the RTL; None without a simulation.
        rtl_differ: those of them that are not the exported model's.
    """

    model_config = ConfigDict(frozen=True)
    name: str
    rows: dict[str, int]
    scales: tuple[float, float] | None
    float_range: tuple[float, float]
    range: tuple[float, float]
    saturated: float | None
    channels: int
    dead: int
    snr_db: float | None
    own_snr_db: float | None
    rtl_values: int | None = None
    rtl_differ: int | None = None


class Trace(BaseModel):
    """A network, layer by layer.

    Attributes:
        model: name of the exported file.
        against: what its values are compared with.
        images: how many were traced.
        layers: in the network's order.
        unmatched: layers of the file that the float network has none of that name for, or of
            another shape.
    """

    model_config = ConfigDict(frozen=True)
    model: str
    against: str
    images: int
    layers: list[TracedLayer]
    unmatched: list[str] = []

    @property
    def worst(self) -> TracedLayer | None:
        """The layer whose own quantization makes most noise."""
        noisy = [layer for layer in self.layers if layer.own_snr_db is not None]
        return min(noisy, key=lambda layer: layer.own_snr_db or 0.0, default=None)
