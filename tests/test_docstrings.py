"""What the docs' reference says of functions comes from docstrings: these have to be whole.

ruff demands that there is one. Here, every parameter of a public function or method has to have a
line under ``Args:``, and what it raises itself one under ``Raises:``. A data class has its fields
under ``Attributes:``. Of arrays and tensors the shape is told, in that line or under ``Returns:``.
A method that overrides another is documented where it is declared.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import msq_finn
import msq_finn.transforms as transforms

#: Called by the framework that they are handed to, or in a process of their own, never by a user.
INTERNAL = (
    "msq_finn.build.rehearsal.stand_in.",
    "msq_finn.quant.export",
    "msq_finn.synth.worker",
    "msq_finn.training.coupling.axes",
    "msq_finn.training.coupling.pieces",
    "msq_finn.training.coupling.rules",
)

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"


def walk(package):
    return pkgutil.walk_packages(package.__path__, f"{package.__name__}.")


def modules():
    for found in (*walk(msq_finn), *walk(transforms)):
        if not found.name.startswith(INTERNAL):
            yield importlib.import_module(found.name)


def public(holder, names):
    for name in names:
        if not name.startswith("_"):
            yield name, inspect.unwrap(inspect.getattr_static(holder, name))


def functions():
    """Public functions, classes with an __init__ of their own, and methods that override none."""
    for module in modules():
        for name, thing in public(module, vars(module)):
            where = f"{module.__name__}.{name}"
            if getattr(thing, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(thing):
                yield pytest.param(thing, thing.__doc__, "Args", id=where)
            elif inspect.isclass(thing):
                if inspect.isfunction(thing.__dict__.get("__init__")):
                    init = thing.__init__
                    if init.__module__ == module.__name__:
                        title = "Attributes" if dataclasses.is_dataclass(thing) else "Args"
                        yield pytest.param(init, thing.__doc__, title, id=where)
                for method_name, method in public(thing, vars(thing)):
                    method = getattr(method, "__func__", method)  # of class methods
                    declared = any(hasattr(base, method_name) for base in thing.__mro__[1:])
                    if inspect.isfunction(method) and not declared:
                        yield pytest.param(
                            method, method.__doc__, "Args", id=f"{where}.{method_name}"
                        )


def section(doc, title):
    """Lines of a section, up to the next line that is indented as its title is."""
    found = re.search(rf"^{title}:\n((?: +.*\n?|\n)*)", inspect.cleandoc(doc), re.MULTILINE)
    return found[1] if found else ""


@pytest.mark.parametrize(("function", "doc", "title"), functions())
def test_arguments_and_errors_are_documented(function, doc, title):
    arguments = re.findall(r"^ {4}(\w+):", section(doc, title), re.MULTILINE)
    parameters = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
    assert set(arguments) == set(parameters)
    if title == "Attributes":
        return  # the constructor is dataclasses' own
    raised = re.findall(r"^\s+raise (\w*Error)\(", inspect.getsource(function), re.MULTILINE)
    documented = re.findall(r"^ {4}(\w+):", section(doc, "Raises"), re.MULTILINE)
    assert set(raised) <= set(documented)


#: How an array is annotated, and how a text tells a shape: in words, in brackets, or by what it is
#: one of for each of something.
ARRAY = re.compile(r"^(\w+\.)*(NDArray|ArrayLike|Tensor|\w*Array)\b|numpy\._typing")
SHAPE = re.compile(
    r"shape|\[[^]]+\]|\((\w+, )+\w+\)|broadcast|scalar|one (a|per)\b|\bper\b|of each"
)


def is_array(annotation):
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return ARRAY.search(text) is not None


@pytest.mark.parametrize(("function", "doc", "title"), functions())
def test_shapes_of_arrays_are_documented(function, doc, title):
    signature = inspect.signature(function)
    for name, parameter in signature.parameters.items():
        if is_array(parameter.annotation):
            line = re.search(rf"^ {{4}}{name}:(.*\n?(?: {{8}}.*\n?)*)", section(doc, title), re.M)
            assert SHAPE.search(line[1]), name
    if title == "Args" and is_array(signature.return_annotation):
        assert SHAPE.search(doc), "result"


def test_the_packages_are_reached():
    names = {param.id for param in functions()}
    assert len(names) > 300
    assert {
        "msq_finn.schemes.Scheme.encode",
        "msq_finn.models.layers.LayerFactory",
        "msq_finn.lanes.counts.LaneCounts",
        "msq_finn.ops.streaming.stream_wrapper.render",
    } <= names


def test_the_reference_shows_every_package():
    pages = "\n".join(page.read_text() for page in REFERENCE.glob("*.md"))
    shown = set(re.findall("^::: (.+)", pages, re.MULTILINE))
    packages = {found.name for found in pkgutil.iter_modules(msq_finn.__path__, "msq_finn.")}
    # The repository keeps transformations beside the package; commands have a page of their own.
    assert shown == packages - {"msq_finn.cli"} | {"transforms"}
