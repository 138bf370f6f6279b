"""ThresholdingSerial_rtl: thresholds compared one after another, with one comparator a channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finn.custom_op.fpgadataflow.thresholding import Thresholding

from msq_finn.errors import MsqError
from msq_finn.ops.streaming.backend import StreamingRTL, is_plain_integer
from msq_finn.rtl.threshold_tree import planes, tree_words, word_bits

#: FINN's attributes for thresholds that are written at run time, or of which there are many sets.
_OTHERS_THRESHOLDS = ("runtime_writeable_weights", "mlo_max_iter", "bodies")


class ThresholdingSerial_rtl(StreamingRTL, Thresholding):
    """FINN's thresholds, found by a binary search of one comparison a cycle.

    Attributes are FINN's, and ``ram_style`` (of the memories, "distributed" or "block").
    """

    module = "stream_thresholds"
    submodules = ("threshold_search",)

    def __init__(self, onnx_node: Any, **options: Any) -> None:
        super().__init__(onnx_node, **options)
        # Of the memories: channels in each, and bits of a word. Code generation knows better.
        self._folds, self._word_bits = 0, 0

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes of the op and that of the class docstring."""
        own = {"ram_style": ("s", False, "distributed", {"distributed", "block"})}
        return own | super().get_nodeattr_types()

    def why_not(self) -> str:
        """What keeps the module from doing what the attributes ask for, "" if nothing does."""
        source, result = self.get_input_datatype(), self.get_output_datatype()
        bias, steps = self.get_nodeattr("ActVal"), self.get_nodeattr("numSteps")
        # -1 and 1 travel as 0 and 1.
        is_bipolar = result.name == "BIPOLAR" and (bias, steps) == (0, 1)
        if not is_plain_integer(source):
            return f"{source.name} is no integer type that {self.module} takes"
        if any(self._asks_for(name) for name in _OTHERS_THRESHOLDS):
            return f"{self.module} keeps one set of thresholds that nobody writes"
        if not is_bipolar and not all(map(result.allowed, (bias, bias + steps))):
            return f"levels {bias} to {bias + steps} are not all of type {result.name}"
        return ""

    def _asks_for(self, attribute: str) -> bool:
        return attribute in self.get_nodeattr_types() and bool(self.get_nodeattr(attribute))

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        source = self.get_input_datatype()
        if why := self.why_not():
            raise MsqError(f"{why}; let it be a Thresholding_rtl", where=self.onnx_node.name)
        return {
            "InBits": source.bitwidth(),
            "Signed": int(source.signed()),
            "OutBits": self.get_output_datatype().bitwidth(),
            "Elements": self.get_nodeattr("PE"),
            "Folds": self._folds or self.calc_tmem(),
            "Steps": self.get_nodeattr("numSteps"),
            "Bias": self.get_nodeattr("ActVal"),
            "ThresholdBits": self._word_bits or source.bitwidth() + 1,
            "Contents": f'"{self._contents()}"',
            "RamStyle": f'"{self.get_nodeattr("ram_style")}"',
        }

    def _contents(self) -> Path:
        """How the names of the memories' files begin."""
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        return folder / f"{self.onnx_node.name}_threshs_"

    def stream_inputs(self) -> int:
        """The first input; thresholds are in memories."""
        return 1

    def generate_hdl(self, model: Any, fpgapart: str, clk: float) -> None:
        """Write the memories' contents and the wrapper.

        Raises:
            MsqError: PE does not divide, or see ``rtl_parameters``.
        """
        self.check_folding()
        self.rtl_parameters()
        steps, pe = self.get_nodeattr("numSteps"), self.get_nodeattr("PE")
        thresholds = model.get_initializer(self.onnx_node.input[1])
        words = tree_words(thresholds, pe, self.get_input_datatype())
        self._folds, self._word_bits = words.shape[1] >> planes(steps), word_bits(words)
        mask, contents = 2**self._word_bits - 1, self._contents()
        for lane, stored in enumerate(words.tolist()):
            file = contents.with_name(f"{contents.name}{lane}.dat")
            file.write_text("".join(f"{word & mask:x}\n" for word in stored))
        super().generate_hdl(model, fpgapart, clk)

    def get_exp_cycles(self) -> int:
        """Cycles a frame: a comparison of each level of the search for every word."""
        return int(super().get_exp_cycles()) * planes(self.get_nodeattr("numSteps"))

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Simulate the RTL where exec_mode says so, else compute in Python."""
        inputs = self.onnx_node.input
        parameters = list(inputs[1:]) if self.get_nodeattr("exec_mode") == "rtlsim" else []
        # FINN takes every input of a node that it simulates for a stream.
        del inputs[len(inputs) - len(parameters) :]
        try:
            super().execute_node(context, graph)
        finally:
            inputs.extend(parameters)
