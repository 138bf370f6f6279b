"""How FINN cuts an accelerator into the kernels whose numbers its driver knows."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Sequence
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames

from msq_finn.build.run_time import LENGTHS, WEIGHTS, writes
from msq_finn.errors import MsqError


def runtime_kernels(model: ModelWrapper, board: str) -> dict[str, int]:
    """Number the kernels of nodes that are written at run time, as FINN's Zynq flow does.

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
    written = [node for node in model.graph.node if writes(getCustomOp(node))]
    if not written:
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
                raise _refused(written) from error
            cut = cut.transform(GiveUniqueNodeNames()).transform(GiveReadableTensorNames())
        return {
            node.doc_string: kernel
            for kernel, partition in enumerate(cut.graph.node)
            for node in ModelWrapper(getCustomOp(partition).get_nodeattr("model")).graph.node
            if writes(getCustomOp(node))
        }


def _refused(written: Sequence[Any]) -> MsqError:
    """What is to be left out, so that FINN can cut."""
    named = {
        what: [node.name for node in written if writes(getCustomOp(node), attribute)]
        for what, attribute in (("weights", WEIGHTS), ("lengths", LENGTHS))
    }
    cures = {
        "weights": f"leave {WEIGHTS} out of the folding configuration",
        "lengths": f"build without runtime_length and {LENGTHS}",
    }
    found = [what for what, names in named.items() if names]
    return MsqError(
        f"FINN cannot cut runtime-writeable {' and '.join(found)} out of a branch; "
        + ", or ".join(cures[what] for what in found),
        where=", ".join(name for what in found for name in named[what]),
    )
