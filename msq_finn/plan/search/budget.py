"""Limits of what a design may take."""

from __future__ import annotations

import math
from dataclasses import dataclass

from msq_finn.devices import Device
from msq_finn.errors import MsqError
from msq_finn.plan.cost.cost_model import Cost

RESOURCES = Cost._fields


@dataclass(frozen=True)
class Budget:
    """Resources that a design may take.

    Attributes:
        lut: LUT sites.
        dsp: DSP slices.
        bram: block RAMs of 36 kbit.
        lutram: LUT sites that are memory.
        ff: flip-flops.
    """

    lut: float
    dsp: float
    bram: float
    lutram: float = math.inf
    ff: float = math.inf

    @classmethod
    def of(
        cls,
        device: Device,
        lut: float = 0.8,
        dsp: float = 1.0,
        bram: float = 0.9,
        lutram: float = 1.0,
        ff: float = 1.0,
    ) -> Budget:
        """Take shares of a device.

        Args:
            device: whose resources they are.
            lut: share of the LUT sites, above 0 and at most 1, as the others.
            dsp: share of the DSP slices.
            bram: share of the block RAMs.
            lutram: share of the LUT sites that can be memory.
            ff: share of the flip-flops.

        Raises:
            MsqError: a share is not above 0 and at most 1.
        """
        shares = {"lut": lut, "dsp": dsp, "bram": bram, "lutram": lutram, "ff": ff}
        for name, share in shares.items():
            if not 0 < share <= 1:
                raise MsqError(f"budget {name}={share:g}: give a share above 0 and at most 1")
        return cls(
            lut * device.lut,
            dsp * device.dsp,
            bram * device.bram36,
            lutram * device.lutram,
            ff * device.ff,
        )

    def __iter__(self):  # type: ignore[no-untyped-def]
        """The limits, in the order of Cost."""
        return iter((self.lut, self.dsp, self.bram, self.lutram, self.ff))
