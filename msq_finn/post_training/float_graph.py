"""A float network as a graph of torch.fx, with the shape of every value."""

import inspect
import traceback
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from msq_finn.errors import MsqError, said_by
from msq_finn.post_training.hardware_forms import COMPUTED_WEIGHTS
from msq_finn.post_training.shape_tracer import ShapeTracer
from msq_finn.training.feed import unwrapped


class Obstacles:
    """What of a network cannot be quantized: all of it goes into one error.

    Args:
        network: its class's name.
    """

    def __init__(self, network: str) -> None:
        self.network = network
        self.found: dict[str, str] = {}

    def add(self, where: str, what: str) -> None:
        """Note a fault; of each place, the first.

        Args:
            where: the module's name; empty for the network itself.
            what: is wrong there, and what to do.
        """
        self.found.setdefault(where or self.network, what)

    def raise_any(self) -> None:
        """End with all faults, in the order in which they were found.

        Raises:
            MsqError: there are some.
        """
        if self.found:
            faults = "; ".join(f"{where}: {what}" for where, what in self.found.items())
            raise MsqError(f"{self.network} cannot be quantized: {faults}")


def input_of(model: nn.Module, example: Any) -> Tensor:
    """Return the one input of a network.

    Args:
        model: the float network.
        example: the input with its batch axis; or a tuple, list or dict in which it comes first.

    Returns:
        The input, [batch, ...].

    Raises:
        MsqError: the network takes several inputs, or this is none; or it is scripted.
    """
    if isinstance(unwrapped(model), torch.jit.ScriptModule):
        raise MsqError(
            "it is a ScriptModule, which cannot be traced; give the network that it was made of",
            where=type(unwrapped(model)).__name__,
        )
    parameters = list(inspect.signature(unwrapped(model).forward).parameters.values())
    needed = [p.name for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL]
    if len(needed) != 1:
        given = ", ".join(needed) or "none by name"
        raise MsqError(
            f"its forward takes {len(needed)} inputs ({given}), and quantize() networks of one; "
            "define those of several with Brevitas's layers",
            where=type(unwrapped(model)).__name__,
        )
    if isinstance(example, Mapping):
        example = example.get(needed[0])
    elif isinstance(example, tuple | list) and example:
        example = example[0]
    if not isinstance(example, Tensor) or example.ndim < 2 or not len(example):
        raise MsqError(
            "give an input of the network with its batch axis, such as torch.rand(1, 3, 32, 32)",
            field="example",
        )
    if not example.is_floating_point() or not example.isfinite().all():
        raise MsqError("an input is a tensor of finite floats", field="example")
    return example


def each_output(outputs: Any) -> tuple[Tensor, ...]:
    """What a network returns, as a tuple of tensors.

    Args:
        outputs: a tensor, or a tuple or list of some.
    """
    return tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)


def traced(
    model: nn.Module, example: Tensor, faults: Obstacles
) -> tuple[fx.GraphModule, Tensor, Any]:
    """Trace a copy of a network, in eval mode, and note the shape of every value.

    Shapes are those for a batch of two, by which a reshape that mixes images shows. What is no
    tensor, such as a size, is a node's ``number`` among its ``meta``.

    Args:
        model: the float network, which is left alone.
        example: its input, [batch, ...].
        faults: told of what cannot be traced.

    Returns:
        the graph, of which each node has a ``shape`` among its ``meta``, None where it is no
        tensor; the batch of two, [2, ...], and what the network gives for it.

    Raises:
        MsqError: the network does not run on the example, or cannot be traced at all.
    """
    for name, module in unwrapped(model).named_modules():
        if any(isinstance(value, Tensor) and not value.is_leaf for value in vars(module).values()):
            raise MsqError(COMPUTED_WEIGHTS, where=name or faults.network)
    try:
        network = deepcopy(unwrapped(model)).eval().float()
    except Exception as error:
        raise MsqError(f"it cannot be copied: {said_by(error)}", where=faults.network) from error
    _check_finite(network, faults.network)
    place = next(network.parameters(), example).device
    pair = torch.cat([example[:1], example[-1:]]).float().to(place)
    with torch.no_grad():
        try:
            outputs = network(pair)
        except Exception as error:
            shape = "x".join(map(str, example.shape[1:]))
            raise MsqError(
                f"it does not run on two inputs of {shape}: {said_by(error)}", where=faults.network
            ) from error
        graph = _graph(network, pair, faults)
        module = fx.GraphModule(network, graph, faults.network)
        _write_in_place_operations(graph)
        _forget_unused(graph)
        _Shapes(module).propagate(pair)
    for node in graph.nodes:
        found = node.meta.get("tensor_meta")
        node.meta["shape"] = tuple(found.shape) if hasattr(found, "shape") else None
    return module, pair, outputs


class _Shapes(ShapeProp):
    """Notes shapes, and numbers that are computed from them."""

    def run_node(self, n: fx.Node) -> Any:
        """Run one node, and note what it makes.

        Args:
            n: the node.
        """
        result = super().run_node(n)
        if isinstance(result, int | float | torch.Size):
            n.meta["number"] = result
        return result


def _check_finite(network: nn.Module, name: str) -> None:
    for key, values in network.state_dict().items():
        if values.is_floating_point() and not values.isfinite().all():
            raise MsqError(f"{key} holds values that are not finite", where=name, field=key)


def _graph(network: nn.Module, pair: Tensor, faults: Obstacles) -> fx.Graph:
    """Trace; what cannot be traced stays whole, so that the rest is looked at as well."""
    names = {module: name for name, module in network.named_modules()}
    parameters = inspect.signature(network.forward).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    whole: set[nn.Module] = set()
    while True:
        try:
            tracer = ShapeTracer(whole.__contains__, ("torch.nn",), pair)
            graph = tracer.trace(network, concrete_args=defaults)
            break
        except Exception as error:
            guilty = _raised_in(error, names)
            why = (
                f"torch.fx cannot trace it ({said_by(error)}); write it without decisions on values"
            )
            faults.add(names.get(guilty, "") if guilty else "", why)
            if guilty is None or guilty is network or guilty in whole:
                faults.raise_any()
            whole.add(guilty)
    return graph


def _raised_in(error: Exception, names: Mapping[nn.Module, str]) -> nn.Module | None:
    """Return the innermost of a user's modules in whose forward an exception was raised."""
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module = frame.f_locals.get("self")
        if not isinstance(module, nn.Module) or module not in names:
            continue
        if not str(type(module).forward.__module__).startswith("torch.nn"):
            found = module
    return found


def _write_in_place_operations(graph: fx.Graph) -> None:
    """Let what reads a value behind an operation that changes it in place read the result."""
    order = {node: index for index, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        changed = node.args[0] if node.args and isinstance(node.args[0], fx.Node) else None
        module = graph.owning_module.get_submodule(node.target) if node.op == "call_module" else 0
        in_place = getattr(module, "inplace", False) or node.kwargs.get("inplace", False)
        if node.op in ("call_method", "call_function"):
            in_place = in_place or _changes_its_argument(node)
        if not in_place or changed is None:
            continue
        for reader in [user for user in changed.users if order[user] > order[node]]:
            reader.replace_input_with(changed, node)


def _changes_its_argument(node: fx.Node) -> bool:
    """Whether a function or method is named so: ``relu_(x)``, ``x.relu_()``.

    Python's own ``and_`` and ``or_`` are named for another reason.
    """
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    is_pythons = getattr(node.target, "__module__", "") == "_operator"
    return name.endswith("_") and not name.endswith("__") and not is_pythons


def _forget_unused(graph: fx.Graph) -> None:
    """Take out arguments that have their defaults, what torch.fx asserts of them, and the like."""
    for node in reversed(graph.nodes):
        name = getattr(node.target, "__name__", "")
        asserts = node.op == "call_function" and name in ("_assert", "_assert_is_none")
        first = node.op == "placeholder" and node is next(iter(graph.nodes))
        if asserts or (not node.users and node.op not in ("output",) and not first):
            graph.erase_node(node)


def place_of(node: fx.Node) -> str:
    """Return the name of the module in whose forward an operation stands, empty for the network's.

    Args:
        node: of a traced graph.
    """
    if node.op == "call_module":
        return str(node.target)
    stack = node.meta.get("nn_module_stack")
    return str(list(stack.values())[-1][0]) if stack else ""
