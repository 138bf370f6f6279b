"""Parts of FINN's flow that row-mixed layers cannot take part in."""

from __future__ import annotations

from typing import Any

from msq_finn.errors import MsqError

#: Options of FINN's build configuration, and what each turns on.
_UNSUPPORTED = {
    "mlo": "loop rolling",
    "loop_body_hierarchy": "loop rolling",
    "loop_body_range": "loop rolling",
    "multi_dnn_config_path": "multi-DNN mode",
    "partitioning_configuration": "partitioning over several FPGAs",
}


def check_config(config: Any) -> None:
    """Refuse a build configuration that row-mixed layers do not support.

    Args:
        config: FINN's ``DataflowBuildConfig``.

    Raises:
        MsqError: an option is set that turns such a part on.
    """
    for option, what in _UNSUPPORTED.items():
        if getattr(config, option, None):
            raise MsqError(
                f"{option} is set: FINN's {what} does not know row-mixed layers; unset it, or "
                "build without the msq steps"
            )
