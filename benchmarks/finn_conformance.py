"""FINN's own tests on the Verilator provider.

Fetches the package ``finn-plus-tests`` and runs the tests of FINN's RTL nodes and transformations,
unchanged, in FINN's ``rtlsim``. Two calls in them need Vivado: FIFO sizing by distributed
simulation gives way to shallow FIFOs, and ``CreateStitchedIP`` to msq_finn's stitching, whose
result FINN's own stitched rtlsim then runs. Tests that go on to Vitis HLS or Vivado count as
skipped. FINN's tiled MVU (TH > 1, on Versal) fails where the sample has one: Verilator 5.048 does
not take a parameter array sized by another parameter (finn-rtllib/mvu_tiled/input_gen.sv).

In the suite ``rtl_mvau_msq`` MVAU_MSQ_rtl answers for FINN's ``MVAU_rtl``, all its rows on DSP
lanes. Weights are narrow-range, as FINN's test has them on 7-series; what MVAU_MSQ refuses by
design counts as skipped.

The suites have thousands of cases, most of them seconds long: each suite runs in an order drawn
from the seed until so many cases have passed or failed.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import types
from importlib import metadata
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

#: The suite in which our class answers for FINN's.
OURS = "rtl_mvau_msq"

#: Suite -> file, tests and which of their cases simulate RTL nodes.
SUITES = {
    "rtl_mvau": ("test_fpgadataflow_mvau.py", "test_fpgadataflow_rtl_mvau"),
    OURS: ("test_fpgadataflow_mvau.py", "test_fpgadataflow_rtl_mvau"),
    "thresholding": (
        "test_fpgadataflow_thresholding.py",
        "test_fpgadataflow_thresholding and rtlsim and rtl-",
    ),
    "convolution_input_generator": (
        "test_fpgadataflow_convinputgenerator.py",
        "rtlsim or deadlock",
    ),
    "fmpadding": ("test_fpgadataflow_fmpadding.py", "rtlsim"),
    "dwc": ("test_fpgadataflow_dwc.py", "rtl-rtlsim or (stitched_rtlsim and rtl-)"),
    "fifo": ("test_fpgadataflow_fifo.py", "rtlsim"),
    "set_folding": ("test_set_folding.py", ""),
    "minimize_bit_width": ("test_minimize_bit_width.py", ""),
}

_NEEDS_VIVADO = ("XILINX_VIVADO", "vivado not found", "vitis_hls not found", "XILINX_HLS")

_REFUSED = (
    "is not supported by MVAU_MSQ",
    "does not suit the lanes",
    "pumped weight memory needs an even number of weights",
)


def fetch() -> Path:
    """Folder with FINN's tests, from the package index."""
    from msq_finn import cache

    finn = metadata.version("finn-plus")

    def make(folder: Path) -> None:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder,
             f"finn-plus-tests<={finn}"],
            check=True,
        )  # fmt: skip
        with ZipFile(next(folder.glob("*.whl"))) as wheel:
            wheel.extractall(folder)

    return cache.entry("finn-plus-tests", finn, make)


class Recorder:
    """Pytest plug-in: picks cases, replaces what needs Vivado, counts outcomes."""

    def __init__(self, samples: int, seed: int, ours: bool) -> None:
        self.samples = samples
        self.seed = seed
        self.ours = ours
        self.counts: collections.Counter[str] = collections.Counter()
        self.reasons: collections.Counter[str] = collections.Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Shuffle, and put our stitching into the test modules."""
        random.Random(self.seed).shuffle(items)
        for item in items:
            replace_vivado(item.module)  # type: ignore[attr-defined]
        if self.ours:
            answer_for_finn(items[0].module)  # type: ignore[attr-defined]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Count a case, and stop when there are enough."""
        report = yield
        if report.when == "call" or report.outcome != "passed":
            outcome, reason = classify(report, call)
            self.counts[outcome] += 1
            if reason:
                case = f" in {report.nodeid.split('::')[-1]}" if outcome == "failed" else ""
                self.reasons[f"{outcome}: {reason}{case}"] += 1
        if self.samples and self.counts["passed"] + self.counts["failed"] >= self.samples:
            item.session.shouldstop = "enough cases"
        return report

    def pytest_runtest_logfinish(self) -> None:
        """Show that something happens."""
        print(f"\r{dict(self.counts)}", end="", file=sys.stderr, flush=True)


def classify(report: pytest.TestReport, call: pytest.CallInfo[None]) -> tuple[str, str]:
    """Outcome and, unless passed, its reason in a line."""
    if report.passed or call.excinfo is None:
        return "passed", ""
    message = " ".join(call.excinfo.exconly().split())[:200]
    if report.skipped:
        return "skipped", message
    if any(sign in message for sign in _NEEDS_VIVADO):
        return "skipped", "needs Vivado or Vitis HLS"
    if any(sign in message for sign in _REFUSED):
        return "skipped", message
    return "failed", message


def replace_vivado(module: types.ModuleType) -> None:
    """Let a test module stitch without Vivado."""
    for name, value in (
        ("insert_and_set_fifo_depths", insert_shallow_fifos),
        ("InsertAndSetFIFODepths", insert_shallow_fifos),
        ("CreateStitchedIP", stitched_ip),
    ):
        if hasattr(module, name):
            setattr(module, name, value)


def answer_for_finn(module: types.ModuleType) -> None:
    """Let MVAU_MSQ_rtl be FINN's ``MVAU_rtl``, and the module's weights be narrow-range."""
    from finn.custom_op.fpgadataflow.rtl import custom_op
    from qonnx.core.datatype import DataType
    from qonnx.custom_op.registry import add_op_to_domain

    from msq_finn.ops.mvau_msq_rtl import MVAU_MSQ_rtl

    class MVAU_rtl(MVAU_MSQ_rtl):
        """All rows on DSP lanes for the node's width of weights."""

        def get_nodeattr(self, name: str) -> Any:
            if name not in ("rowSchemes", "laneKinds", "lanePE"):
                return super().get_nodeattr(name)
            scheme = f"fixed_{DataType[self.get_nodeattr('weightDataType')].bitwidth()}"
            lanes = {"laneKinds": [f"{scheme}_dsp"], "lanePE": [self.get_nodeattr("PE")]}
            return lanes.get(name) or [scheme] * self.get_nodeattr("MH")

    genuine = module.gen_finn_dt_tensor

    def narrow(datatype: Any, shape: Any) -> Any:
        values = genuine(datatype, shape)
        return values.clip(datatype.min() + 1) if datatype.signed() else values

    module.gen_finn_dt_tensor = narrow  # type: ignore[attr-defined]
    custom_op[MVAU_rtl.__name__] = MVAU_rtl
    add_op_to_domain("finn.custom_op.fpgadataflow.rtl", MVAU_rtl)


def insert_shallow_fifos(model: Any, part: str, clk_ns: float) -> Any:
    """Put the smallest FIFOs on every stream."""
    from finn.transformation.fpgadataflow.insert_fifo import InsertFIFO
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
    from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames

    for step in (
        InsertFIFO(create_shallow_fifos=True),
        SpecializeLayers(part),
        GiveUniqueNodeNames(),
        GiveReadableTensorNames(),
    ):
        model = model.transform(step)
    return model


def stitched_ip(part: str, clk_ns: float, *_: Any, **__: Any) -> Any:
    """Stand-in for ``CreateStitchedIP``."""
    from finn.transformation.fpgadataflow.replace_verilog_relpaths import ReplaceVerilogRelPaths
    from finn.util.basic import make_build_dir
    from qonnx.custom_op.registry import getCustomOp
    from qonnx.transformation.base import Transformation

    from msq_finn.build.stitch import stitch
    from msq_finn.build.stitched_ip import offer_to_finn

    class Stitch(Transformation):  # type: ignore[misc]
        def apply(self, model: Any) -> tuple[Any, bool]:
            for node in model.graph.node:
                if node.op_type.startswith("MVAU"):
                    memory = getCustomOp(node).get_nodeattr("mem_mode")
                    if memory != "internal_decoupled":
                        pytest.skip(f"node rtlsim passed; {memory} cannot be stitched")
            folder = Path(make_build_dir("stitch_"))
            design = stitch(model.transform(ReplaceVerilogRelPaths()), folder)
            offer_to_finn(model, design, folder)
            return model, False

    return Stitch()


def run_suite(tests: Path, suite: str, samples: int, seed: int) -> dict[str, Any]:
    """Run one suite in this process."""
    from msq_finn.sim.finn_env import prepare

    file, expression = SUITES[suite]
    os.chdir(tests)
    sys.path.insert(0, str(tests))
    if "torchvision" not in sys.modules:
        # FINN's test utilities import it for ImageNet pictures, which no suite here uses.
        for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
            sys.modules[name] = types.ModuleType(name)
    with tempfile.TemporaryDirectory(prefix="finn_conformance_") as build:
        prepare(Path(build))
        recorder = Recorder(samples, seed, suite == OURS)
        arguments = ["-p", "no:cacheprovider", "--rootdir", ".", "-o", "addopts="]
        arguments += [f"tests/fpgadataflow/{file}", *(["-k", expression] if expression else [])]
        log = io.StringIO()
        with contextlib.redirect_stdout(log):
            pytest.main(arguments, plugins=[recorder])
        if not recorder.counts:
            raise SystemExit(f"{suite}: no case ran\n{log.getvalue()}")
    print(file=sys.stderr)
    return {
        "suite": suite,
        **{outcome: recorder.counts[outcome] for outcome in ("passed", "skipped", "failed")},
        "reasons": [f"{count} {reason}" for reason, count in recorder.reasons.most_common()],
    }


def main() -> None:
    """Run the suites, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--samples", type=int, default=20, help="cases a suite; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--suite", choices=SUITES, help="only this one, in this process")
    options = parser.parse_args()
    tests = fetch()
    results = []
    if options.suite:
        results.append(run_suite(tests, options.suite, options.samples, options.seed))
    else:
        for suite in SUITES:
            print(suite, file=sys.stderr)
            command = [sys.executable, __file__, "--json", "--suite", suite]
            command += ["--samples", str(options.samples), "--seed", str(options.seed)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if not done.stdout:
                sys.exit(done.returncode)  # it has said why
            results += json.loads(done.stdout.splitlines()[-1])
    if options.json:
        print(json.dumps(results))
    for result in results if not options.json else ():
        print("{suite:30} {passed:5} passed {skipped:5} skipped {failed:5} failed".format(**result))
        for reason in result["reasons"]:
            print(f"    {reason}")
    sys.exit(any(result["failed"] for result in results))


if __name__ == "__main__":
    main()
