"""How FINN cuts an accelerator into the kernels whose numbers its driver knows."""

from __future__ import annotations

import copy
import tempfile
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames

from msq_finn.errors import MsqError

_WRITEABLE = "runtime_writeable_weights"


def runtime_kernels(model: ModelWrapper, board: str) -> dict[str, int]:
    """Number the kernels of nodes with runtime-writeable memories, as FINN's Zynq flow does.

    That flow adds DMAs, starts a kernel at every node with an AXI-Lite port, and counts kernels in
    the order in which its graph holds them (make_zynq_proj.py, make_driver.py). No simpler rule
    gives the same where streams fork, so FINN's own transformations cut a copy.

    Args:
        model: dataflow graph, its ops specialised.
        board: as FINN names it; one with a Zynq.

    Returns:
        kernel by name of the node.

    Raises:
        MsqError: FINN cannot cut the graph so, as a kernel would wait for what it makes itself.
    """
    names = [node.name for node in model.graph.node if _is_writeable(node)]
    if not names:
        return {}
    from finn.transformation.fpgadataflow.create_dataflow_partition import CreateDataflowPartition
    from finn.transformation.fpgadataflow.floorplan import Floorplan
    from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
    from finn.transformation.fpgadataflow.insert_iodma import InsertIODMA
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
    from finn.util.basic import part_map, pynq_native_port_width

    cut = copy.deepcopy(model)
    for node in cut.graph.node:  # a name that stays when FINN gives others
        node.doc_string = node.name
    with tempfile.TemporaryDirectory() as folder:
        for step in (
            InsertIODMA(pynq_native_port_width[board]),
            InsertDWC(),
            SpecializeLayers(part_map[board]),
            Floorplan(),
            CreateDataflowPartition(partition_model_dir=folder),
        ):
            try:
                cut = cut.transform(step)
            except AssertionError as error:
                if "cycle-free" not in str(error):
                    raise
                raise MsqError(
                    f"FINN cannot cut runtime-writeable weights out of a "
                    f"branch; leave {_WRITEABLE} out of the folding configuration",
                    where=", ".join(names),
                ) from error
            cut = cut.transform(GiveUniqueNodeNames()).transform(GiveReadableTensorNames())
        return {
            node.doc_string: kernel
            for kernel, partition in enumerate(cut.graph.node)
            for node in ModelWrapper(getCustomOp(partition).get_nodeattr("model")).graph.node
            if _is_writeable(node)
        }


def _is_writeable(node: Any) -> bool:
    op = getCustomOp(node)
    return _WRITEABLE in op.get_nodeattr_types() and bool(op.get_nodeattr(_WRITEABLE))
