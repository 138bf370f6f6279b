"""What all streaming ops share: code generation around one hand-written module."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from finn.custom_op.fpgadataflow.rtlbackend import RTLBackend

import msq_finn.rtl
from msq_finn.errors import MsqError
from msq_finn.finn_compat.nodes import execute_rtl, prepare_rtlsim, rename_ports
from msq_finn.lanes.divisors import check_divides
from msq_finn.ops.streaming.stream_wrapper import InputStream, render

_RTL = Path(msq_finn.rtl.__file__).parent / "streaming"


def is_plain_integer(datatype: Any) -> bool:
    """Whether values travel as themselves, unsigned or in two's complement.

    BIPOLAR does not: its -1 travels as 0.

    Args:
        datatype: of QONNX.

    >>> from qonnx.core.datatype import DataType
    >>> [is_plain_integer(DataType[name]) for name in ("UINT4", "INT9", "BIPOLAR", "FLOAT32")]
    [True, True, False, False]
    """
    return bool(datatype.is_integer() and datatype.name != "BIPOLAR")


def packed(values: list[int], bits: int) -> str:
    """A packed array in Verilog, its first element in the lowest bits.

    >>> packed([1, 2], 4)
    "{4'd2, 4'd1}"
    """
    literals = [f"{bits}'d{value}" for value in reversed(values)]
    return f"{{{', '.join(literals)}}}"


class StreamingRTL(RTLBackend):
    """RTL half of an op; comes before FINN's abstract op among the bases.

    A subclass names its module and its files, and gives the module's parameters.
    """

    #: Name of the SystemVerilog module.
    module: ClassVar[str]
    #: Modules beneath it.
    submodules: ClassVar[tuple[str, ...]] = ()
    #: The module's names for the node's inputs, in order; the last is that of any further input.
    input_ports: ClassVar[tuple[str, ...]] = ("in",)
    #: FINN's attribute for how many elements a word has.
    parallelism: ClassVar[str] = "PE"

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes of the op; upstream's RTLBackend does not ask for those behind it."""
        own: dict[str, Any] = super(RTLBackend, self).get_nodeattr_types()
        return own | RTLBackend.get_nodeattr_types(self)

    @abstractmethod
    def rtl_parameters(self) -> dict[str, int | str]:
        """Parameters of the module.

        Raises:
            MsqError: the module cannot do what the node's attributes ask for.
        """

    def parallel_elements(self) -> int:
        """How many elements the parallelism divides (channels, or labels)."""
        return int(self.get_normal_output_shape()[-1])

    def stream_inputs(self) -> int:
        """How many of the node's inputs are streams, the first ones."""
        return len(self.onnx_node.input)

    def check_folding(self) -> None:
        """Refuse words that the tensors are not made of.

        Raises:
            MsqError: the parallelism does not divide.
        """
        word, elements = self.get_nodeattr(self.parallelism), self.parallel_elements()
        check_divides(self.onnx_node.name, self.parallelism, word, "elements", elements)

    def refuse(self, what: str) -> MsqError:
        """Return an error that names the node, and the way out.

        Args:
            what: the reason.
        """
        node = self.onnx_node
        return MsqError(
            f"{what}; set preferred_impl_style to 'hls' to build it with Vitis HLS", where=node.name
        )

    def integer_type(self, datatype: Any) -> Any:
        """Pass on a type of two's complement or unsigned integers.

        Args:
            datatype: of QONNX.

        Raises:
            MsqError: it is another.
        """
        if not is_plain_integer(datatype):
            raise self.refuse(f"{datatype.name} is no integer type that {self.module} takes")
        return datatype

    def prepare_rtlsim(self, behav: bool = False) -> Any:
        """Compile the node for simulation."""
        return prepare_rtlsim(self, behav)

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Simulate the RTL where exec_mode says so, else compute in Python."""
        if self.get_nodeattr("exec_mode") == "rtlsim":
            execute_rtl(self, context, graph, getattr(RTLBackend, "execute_node", None))
        else:
            super(RTLBackend, self).execute_node(context, graph)

    def generate_hdl(self, model: Any, fpgapart: str, clk: float) -> None:
        """Write the wrapper into the node's code folder.

        Raises:
            MsqError: PE does not divide, or see ``rtl_parameters``.
        """
        node = self.onnx_node
        self.check_folding()
        parameters = self.rtl_parameters()
        self.set_nodeattr("gen_top_module", self.get_verilog_top_module_name())
        ports = [
            self.input_ports[min(i, len(self.input_ports) - 1)] for i in range(self.stream_inputs())
        ]
        inputs = [InputStream(port, self.get_instream_width(i)) for i, port in enumerate(ports)]
        text = render(
            self.get_nodeattr("gen_top_module"),
            self.module,
            parameters,
            inputs,
            self.get_outstream_width(),
            len(node.output),
        )
        self._wrapper().write_text(rename_ports(text, self))
        for attribute in ("ipgen_path", "ip_path"):
            self.set_nodeattr(attribute, self.get_nodeattr("code_gen_dir_ipgen"))

    def _wrapper(self) -> Path:
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        return folder / f"{self.get_nodeattr('gen_top_module')}.v"

    def get_rtl_file_list(self, abspath: bool = False) -> list[str]:
        """The wrapper and the modules beneath it."""
        files = [self._wrapper(), *(_RTL / f"{m}.sv" for m in (*self.submodules, self.module))]
        return [str(f) if abspath else f.name for f in files]

    def get_verilog_paths(self) -> list[str]:
        """Folders that hold the node's sources."""
        return [self.get_nodeattr("code_gen_dir_ipgen"), str(_RTL)]

    def code_generation_ipi(self) -> list[str]:
        """The Vivado IPI commands that add the sources and the cell."""
        commands = [f"add_files -norecurse {f}" for f in self.get_rtl_file_list(abspath=True)]
        top, name = self.get_nodeattr("gen_top_module"), self.onnx_node.name
        return [*commands, f"create_bd_cell -type module -reference {top} {name}"]
