"""What a plan is made from: an exported file, or a Python function that builds the network."""

from __future__ import annotations

import contextlib
import importlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from msq_finn.errors import MsqError, said_by
from msq_finn.lanes.demand import Demand
from msq_finn.lowering.inputs import load_model
from msq_finn.plan.frontend.network import Network
from msq_finn.progress import Progress, silent
from msq_finn.silence import silence


def network_of(
    source: str, board: str, shape: tuple[int, ...] | None = None, progress: Progress = silent
) -> Network:
    """Describe a network to plan.

    Args:
        source: file of an exported QONNX model, or ``module:function``.
        board: a board FINN knows.
        shape: of the function's network's input, without the batch; None for a file.
        progress: told of every step.

    Raises:
        MsqError: no such file or function, a shape with a file or none with a function, or a
            network that cannot be lowered.
    """
    from msq_finn.plan.frontend.graph import network_of_file

    module, colon, function = source.rpartition(":")
    if not colon or Path(source).exists():
        if shape is not None:
            raise MsqError(
                f"--input-shape: {source} is a file and has its own; leave it out",
                field="--input-shape",
                value=source,
            )
        load_model(Path(source))
        return network_of_file(Path(source), board, progress)
    if shape is None:
        raise MsqError("give the shape of its input, as --input-shape 3,32,32", where=source)
    return network_of_module(built(module, function), function, board, shape, progress)


def network_of_module(
    model: Any, name: str, board: str, shape: tuple[int, ...], progress: Progress = silent
) -> Network:
    """Describe a network of Brevitas layers before training.

    Rows of its row-mixed layers may still become either scheme: the plan is to say which.

    Args:
        model: the network; its rows are assigned anew.
        board: a board FINN knows.
        shape: of its input, without the batch.
        progress: told of every step.

    Raises:
        MsqError: it cannot be exported or lowered.
    """
    from msq_finn.plan.frontend.graph import network_of_file
    from msq_finn.training.assign import assign_rows, mixed_layers

    _check_quantizers(model, name)
    mixed: dict[str, Any] = mixed_layers(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.onnx"
        try:
            with contextlib.redirect_stdout(sys.stderr):  # layers may print
                _settle(model, shape)
                if mixed:
                    assign_rows(model, 0.5, coupled=_coupled(model, shape))
                export(model, path, shape)
            network = network_of_file(path, board, progress)
        except MsqError as error:
            # The file is gone by the time that the message is read.
            reason = str(error).removeprefix(f"{path}: ")
            fault = type(error)(reason, where=name, field=error.field, value=error.value)
            raise fault from error
    layers = []
    for layer in network.layers:
        if (module := mixed.get(layer.name)) is not None:
            names = module.weight_quant.int_quant.scheme_names
            layer = replace(layer, demand=Demand({names: layer.mh}))
        layers.append(layer)
    return replace(network, name=name, layers=tuple(layers))


def _settle(model: Any, shape: tuple[int, ...]) -> None:
    """Give activations' quantizers scales of their own, as training does.

    Until data has passed they have one in common, so that branches could be joined that cannot be
    once they are trained. What does not run is left to its export, which says why.
    """
    import torch

    model.train()
    with contextlib.suppress(Exception), torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(2):
            model(torch.rand(4, *shape))


def _coupled(model: Any, shape: tuple[int, ...]) -> list[list[str]]:
    """Groups of coupled layers; none where the network does not run, as its export will say."""
    import torch

    from msq_finn.training.couple import coupled_layers

    try:
        return coupled_layers(model, torch.zeros(1, *shape))
    except MsqError:
        return []


def _check_quantizers(model: Any, name: str) -> None:
    from brevitas.proxy.parameter_quant import WeightQuantProxyFromInjectorBase as Quantizer

    if not any(isinstance(m, Quantizer) and m.is_quant_enabled for m in model.modules()):
        raise MsqError(
            "none of its weights are quantized; build it of Brevitas's layers, as "
            "brevitas.nn.QuantLinear",
            where=name,
        )


def export(model: Any, path: Path, shape: tuple[int, ...]) -> None:
    """Write a network of Brevitas's layers as QONNX; it is left in eval mode.

    Args:
        path: of the file.
        shape: of its input, without the batch.

    Raises:
        MsqError: it cannot be exported.
    """
    import torch
    from brevitas.export import export_qonnx

    try:
        model.eval()
        # Where it fails, torch prints graphs past Python.
        with silence():
            export_qonnx(model, torch.rand(1, *shape), str(path), dynamo=False, opset_version=13)
    except Exception as error:
        raise MsqError(
            f"cannot be exported for inputs of {'x'.join(map(str, shape))}: {said_by(error)}"
        ) from error


def export_float(model: Any, path: Path, example: Any) -> None:
    """Write a float network as ONNX, its tensors under their own names, nothing folded.

    Args:
        model: the network, in eval mode.
        path: of the file.
        example: an input, [1, ...].
    """
    import torch

    with silence():
        torch.onnx.export(
            model, (example,), str(path), dynamo=False, opset_version=13,
            training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
        )  # fmt: skip


def built(module: str, function: str) -> Any:
    """Return what a function of a module returns, which has to be a torch module.

    Args:
        module: name of a module that Python finds, or in the folder that the command runs in.
        function: name of a function in it, which is called without arguments.

    Raises:
        MsqError: there is none, it fails, or returns something else.
    """
    from torch import nn

    try:
        # What they print is not part of a result on standard output, whose file is named from here.
        with contextlib.redirect_stdout(sys.stderr), contextlib.chdir("."):
            model = _called(module, function)
    except FileNotFoundError as error:
        raise MsqError(
            f"{module}:{function}: removed the folder that the command runs in"
        ) from error
    if not isinstance(model, nn.Module):
        raise MsqError(
            f"{module}:{function}: returned a {type(model).__name__}, not a torch.nn.Module"
        )
    return model


def _called(module: str, function: str) -> Any:
    import torch

    where = f"{module}:{function}"
    nothing = f"{where}: no such file, and no such function"
    if module.endswith(".py"):
        raise MsqError(f"{nothing}; name the module without .py, as {module[:-3]}:{function}")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        if not module or (isinstance(error, ModuleNotFoundError) and error.name == module):
            raise MsqError(f"{nothing} ({said_by(error)})") from error
        reason = f"{type(error).__name__}: {said_by(error)}"
        raise MsqError(f"importing {module} failed ({reason})", where=where) from error
    finally:
        sys.path.pop(0)
    try:
        make = getattr(found, function)
    except AttributeError as error:
        raise MsqError(f"{nothing} ({said_by(error)})") from error
    if isinstance(make, torch.nn.Module):
        raise MsqError("is a network; give a function that builds and returns it", where=where)
    try:
        # Widths of sums follow from weights: the same weights each time make the same plan.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return make()
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {said_by(error)}"
        raise MsqError(f"calling it without arguments failed ({reason})", where=where) from error
