"""FINN's parallel transformation of simulation models, in workers that know our ops.

finn-plus starts workers with a fresh interpreter (``spawn``), which knows neither our ops nor the
simulator. A worker imports the module of the transformation that it is sent; this one provides
both when it is imported. FINN's own steps send FINN's transformations: run those with
``FINN_MP_START_METHOD=fork``, as ``msq-finn`` does.
"""

from __future__ import annotations

from finn.transformation.fpgadataflow.prepare_rtlsim import PrepareRTLSim

from msq_finn import ops
from msq_finn.sim import xsi

xsi.install()
ops.register()


class PrepareOpsRTLSim(PrepareRTLSim):
    """Compile every RTL node for simulation, as FINN's PrepareRTLSim."""
