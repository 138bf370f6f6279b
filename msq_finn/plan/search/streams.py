"""What surrounds a layer's lanes."""

from __future__ import annotations

from msq_finn.plan.search.backs import BehindLanes
from msq_finn.plan.search.fronts import BeforeLanes


class Streams(BeforeLanes, BehindLanes):
    """Costs of streaming nodes, each computed once."""
