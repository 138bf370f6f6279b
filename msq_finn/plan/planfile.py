"""What scripts import of plans: ``from msq_finn.plan.planfile import Plan``."""

from __future__ import annotations

from msq_finn.plan.file.schema import Plan

__all__ = ["Plan"]
