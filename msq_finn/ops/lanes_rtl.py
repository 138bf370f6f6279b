"""What the RTL of row-mixed layers shares: its sources, and the weight memory beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finn.custom_op.fpgadataflow.rtlbackend import RTLBackend
from finn.util.basic import get_dsp_block, is_versal

from msq_finn.errors import MsqError
from msq_finn.finn_compat import is_main
from msq_finn.finn_compat.nodes import prepare_rtlsim, rename_ports, weight_stream_bits
from msq_finn.lanes import dsp, sources
from msq_finn.lanes.kind import MAX_ACC_BITS, MAX_ACT_BITS, MIN_ACT_BITS
from msq_finn.ops import memstream, weight_rom


class LanesRTL(RTLBackend):
    """RTL half of a row-mixed op; comes before FINN's own RTL op among the bases."""

    def _wrapper_path(self) -> Path:
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        return folder / f"{self.get_nodeattr('gen_top_module')}_wrapper.v"

    def _check_widths(self, fpgapart: str) -> None:
        """Refuse numbers that the lanes, or the ports of the FPGA's DSP slices, would cut off."""
        name, acts = self.onnx_node.name, self.get_input_datatype(0)
        acc_bits = self.get_output_datatype().bitwidth()
        if not MIN_ACT_BITS <= acts.bitwidth() <= MAX_ACT_BITS:
            raise MsqError(
                f"inputDataType {acts.name}: lanes take activations of "
                f"{MIN_ACT_BITS} to {MAX_ACT_BITS} bits",
                where=name,
            )
        weight_bits = [kind.code_bits for kind in self.lanes().kinds if kind.engine == "dsp"]
        if weight_bits:
            try:
                block = dsp.get(get_dsp_block(fpgapart))
                block.check(max(weight_bits), acts.bitwidth(), acts.signed(), acc_bits)
            except MsqError as error:
                raise error.within(name) from None
        if acc_bits > MAX_ACC_BITS:
            raise MsqError(
                f"accDataType {self.get_output_datatype().name}: "
                f"lanes add up to {MAX_ACC_BITS} bits",
                where=name,
            )

    def _check_runtime_weights(self) -> None:
        """Refuse what would give wrong sums, with no error, once other weights are loaded."""
        if not self.get_nodeattr("runtime_writeable_weights"):
            return
        name, kinds = self.onnx_node.name, self.lanes().kinds
        if any(kind.constant for kind in kinds):
            raise MsqError(
                "embedded lanes have no runtime-writeable weights; fold the layer to lanes that "
                "take codes (laneKinds, lanePE, PE and mem_mode)",
                where=name,
            )
        constants = any(kind.engine == "lut" for kind in kinds)
        if constants and not self.get_nodeattr("offsetOutput"):
            raise MsqError(
                "the sums of LUT lanes carry constants of the weights; runtime-writeable "
                "weights need DSP lanes, or runtime-writeable thresholds right behind the layer",
                where=name,
            )

    def has_rom(self) -> bool:
        """Whether weights stream from a plain memory of ours, as nobody writes them.

        The memory is FINN's memstream where weights are written at run time or read at twice the
        clock, and in upstream's main, whose block designs have it from Vivado's catalogue.
        """
        return self.get_nodeattr("mem_mode") == "internal_decoupled" and not (
            self.get_nodeattr("runtime_writeable_weights") or self._is_pumped() or is_main()
        )

    def _is_pumped(self) -> bool:
        return "pumpedMemory" in self.get_nodeattr_types() and self.get_nodeattr("pumpedMemory")

    def generate_hdl(self, model: Any, fpgapart: str, clk: float) -> None:
        """Write the wrapper, the weight memory and its contents into the node's code folder.

        Raises:
            MsqError: an attribute asks for what the module cannot do.
        """
        self._check_supported(fpgapart)
        folder = self.get_nodeattr("code_gen_dir_ipgen")
        self.generate_params(model, folder)
        self.set_nodeattr("gen_top_module", self.get_verilog_top_module_name())
        self._wrapper_path().write_text(rename_ports(self._wrapper(model, fpgapart), self))
        self.generate_hdl_memstream(fpgapart)
        self.set_nodeattr("ipgen_path", folder)
        self.set_nodeattr("ip_path", folder)

    def generate_hdl_memstream(self, fpgapart: str, *_: Any, **__: Any) -> None:
        """Write the weight memory of a layer whose lanes take codes, under the name of FINN's.

        FINN's own method (hwcustomop.py) does this only for op types that it names one by one.

        Raises:
            MsqError: the memory would start empty, and nobody writes it.
        """
        if self.get_nodeattr("mem_mode") != "internal_decoupled":
            return
        style = self.get_nodeattr("ram_style")
        starts_empty = style == "ultra" and not is_versal(fpgapart)
        if starts_empty and not self.get_nodeattr("runtime_writeable_weights"):
            raise MsqError(
                f"UltraRAM of {fpgapart} has no initial contents; set "
                "runtime_writeable_weights, or another ram_style",
                where=self.onnx_node.name,
            )
        folder, name = Path(self.get_nodeattr("code_gen_dir_ipgen")), self.onnx_node.name
        contents = "" if starts_empty else folder / "memblock.dat"
        size = self.calc_wmem(), weight_stream_bits(self)
        if self.has_rom():
            text = weight_rom.wrapper(name, *size, contents, style)
        else:
            text = memstream.wrapper(name, *size, contents, style, self._is_pumped())
        (folder / f"{name}_memstream_wrapper.v").write_text(text)

    def prepare_rtlsim(self, behav: bool = False) -> Any:
        """Compile the node for simulation."""
        return prepare_rtlsim(self, behav)

    def get_rtl_file_list(self, abspath: bool = False) -> list[str]:
        """The wrapper and the modules beneath it, in compilation order."""
        files = [self._wrapper_path(), *sources(self.lanes().is_serial)]
        return [str(f) if abspath else f.name for f in files]

    def instantiate_ip(self, cmd: list[str]) -> None:
        """Append the Vivado IPI commands that add the sources and the compute core."""
        node, top = self.onnx_node.name, self.get_nodeattr("gen_top_module")
        cmd += self._added_files()
        if self.get_nodeattr("mem_mode") == "internal_embedded":
            cmd.append(f"create_bd_cell -type module -reference {top} {node}")
        else:
            cmd.append(f"create_bd_cell -type hier -reference {top} /{node}/{node}")

    def _added_files(self) -> list[str]:
        """The Vivado commands that add the sources; FINN adds the memory's wrapper itself."""
        own = self.get_rtl_file_list(abspath=True)
        memory = [weight_rom.SOURCE] if self.has_rom() else []
        return [f"add_files -norecurse {file}" for file in (*own, *memory)]

    def get_verilog_paths(self) -> list[str]:
        """Folders that hold the node's sources."""
        folders = dict.fromkeys(str(path.parent) for path in sources(self.lanes().is_serial))
        return [self.get_nodeattr("code_gen_dir_ipgen"), *folders]
