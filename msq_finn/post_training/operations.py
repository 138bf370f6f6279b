"""What operations of a graph are called, and new modules in their place."""

from __future__ import annotations

from typing import Any

from torch import fx, nn

#: Functions, methods and modules that lay values out in another shape, or leave them alone.
RESHAPES = {"view", "reshape", "flatten", "squeeze", "unsqueeze", "unflatten", "Flatten"}
RESHAPES |= {"Unflatten"}
SAME = {"contiguous", "clone", "Identity"}
SHUFFLES = {"PixelShuffle", "pixel_shuffle"}
TURNS = {"permute", "transpose"}

#: Functions and methods by which values meet, are scaled or averaged.
ADDS = {"add", "iadd"}
SCALES = {"sub", "rsub", "mul", "truediv", "div", *ADDS}
CATS = {"cat", "concat", "concatenate"}


def name_of(node: fx.Node, modules: dict[str, nn.Module] | None = None) -> str:
    """Return the plain name of an operation: the class of a module, a function's, a method's.

    Args:
        node: a call.
        modules: of the network, by name; without them a module is called by its own.
    """
    if node.op == "call_module":
        return type(modules[str(node.target)]).__name__ if modules else str(node.target)
    name = node.target if isinstance(node.target, str) else node.target.__name__
    return str(name).strip("_")


def put(module: fx.GraphModule, node: fx.Node, new: nn.Module, source: fx.Node) -> fx.Node:
    """Call a new module in the place of a node, and return the call.

    Args:
        module: the network.
        node: whose results are replaced.
        new: is called.
        source: what it reads.
    """
    return put_chain(module, node, {new: node.meta["shape"]}, source)


def add_module(module: fx.GraphModule, name: str, new: nn.Module) -> str:
    """Add a module under a name that is not taken, and return it.

    Args:
        module: the network.
        name: to begin with.
    """
    taken, wanted = set(dir(module)), name
    number = 0
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    module.add_module(name, new)
    return name


def put_chain(
    module: fx.GraphModule, node: fx.Node, new: dict[nn.Module, tuple[int, ...]], source: fx.Node
) -> fx.Node:
    """Call new modules, one after another, in the place of a node, and return the last call.

    Args:
        module: the network.
        node: whose readers read the last one; it stays, unread.
        new: what is called, and the shape of what each makes, with the batch.
        source: what the first one reads.
    """
    for own, shape in new.items():
        with module.graph.inserting_before(node):
            name = add_module(module, node.name, own)
            source = module.graph.call_module(name, (source,))
        source.meta = {**node.meta, "shape": shape}
    node.replace_all_uses_with(source)
    return source


def put_before(
    module: fx.GraphModule, node: fx.Node, new: nn.Module, shape: tuple[int, ...]
) -> None:
    """Let a node read what it reads through a new module.

    Args:
        module: the network.
        node: of one input.
        new: what is called.
        shape: of what that makes, with the batch.
    """
    (source,) = node.all_input_nodes
    with module.graph.inserting_before(node):
        call = module.graph.call_module(add_module(module, f"{node.name}_input", new), (source,))
    call.meta = {**source.meta, "shape": shape}
    node.replace_input_with(source, call)


def readers(node: fx.Node) -> list[fx.Node]:
    """Return what reads a node's values, not only their shape.

    Args:
        node: of a graph with shapes.
    """
    return [user for user in node.users if "tensor_meta" in user.meta or user.op == "output"]


def index_of(node: fx.Node) -> Any:
    """Return what stands in brackets, with the numbers that were computed from shapes.

    Args:
        node: a call of ``getitem``.
    """
    return fx.node.map_arg(node.args[1], lambda given: given.meta.get("number", given))


def replace_module(module: nn.Module, name: str, new: nn.Module) -> None:
    """Put a module in the place of another one, under its name.

    Args:
        module: the network.
        name: of the module that goes.
        new: the one that comes.
    """
    parent, _, own = name.rpartition(".")
    setattr(module.get_submodule(parent), own, new)
