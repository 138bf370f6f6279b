"""What the docs' reference says of functions comes from docstrings: they tell what names do not.

ruff demands that there is one. Here, what stands under ``Args:`` has to be a parameter, and to say
more than its name and that of the function do; one that speaks for itself may be left out. What a
function raises itself stands under ``Raises:``. Of arrays and tensors the shape is told, in that
line or under ``Returns:``. A method that overrides another is documented where it is declared.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

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


def walked():
    """Public functions, classes with an __init__ of their own, and methods that override none."""
    for module in modules():
        for name, thing in public(module, vars(module)):
            where = f"{module.__name__}.{name}"
            if getattr(thing, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(thing):
                yield where, thing, thing.__doc__, "Args"
            elif inspect.isclass(thing):
                if inspect.isfunction(thing.__dict__.get("__init__")):
                    init = thing.__init__
                    if init.__module__ == module.__name__:
                        title = "Attributes" if dataclasses.is_dataclass(thing) else "Args"
                        yield where, init, thing.__doc__, title
                for method_name, method in public(thing, vars(thing)):
                    method = getattr(method, "__func__", method)  # of class methods
                    declared = any(hasattr(base, method_name) for base in thing.__mro__[1:])
                    if inspect.isfunction(method) and not declared:
                        yield f"{where}.{method_name}", method, method.__doc__, "Args"


@functools.cache
def functions():
    return list(walked())


def section(doc, title):
    """Lines of a section, up to the next line that is indented as its title is."""
    found = re.search(rf"^{title}:\n((?: +.*\n?|\n)*)", inspect.cleandoc(doc), re.MULTILINE)
    return found[1] if found else ""


def parameters(function):
    return {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in ("self", "cls")
    }


def described(doc, title):
    """Each argument under the title, with what is said of it."""
    entries = re.findall(r"^ {4}(\w+):(.*\n?(?: {8}.*\n?)*)", section(doc, title), re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


#: Words that mean nothing by themselves.
EMPTY = {
    *("the", "a", "an", "of", "to", "its", "it", "as", "is", "are", "this", "that", "one", "some"),
    *("given", "name"),
}


def words(text):
    return set(re.findall("[a-z]+", text.lower().replace("_", " "))) - EMPTY


def test_what_is_said_of_arguments_means_something():
    wrong = []
    for where, function, doc, title in functions():
        for name, text in described(doc, title).items():
            if name not in parameters(function):
                wrong.append(f"{where} has no {name}")
            elif not words(text) - words(name):
                wrong.append(f"{where}: {name}: {text}")
    assert not wrong


def test_errors_are_documented():
    wrong = []
    for where, function, doc, title in functions():
        if title == "Attributes":
            continue  # the constructor is dataclasses' own
        raised = re.findall(r"^\s+raise (\w*Error)\(", inspect.getsource(function), re.MULTILINE)
        missing = set(raised) - set(described(doc, "Raises"))
        wrong += [f"{where}: {error}" for error in missing]
    assert not wrong


#: How an array is annotated, and how a text tells a shape: in words, in brackets, or by what it is
#: one of for each of something.
ARRAY = re.compile(r"^(\w+\.)*(NDArray|ArrayLike|Tensor|\w*Array)\b|numpy\._typing")
SHAPE = re.compile(
    r"shape|\[[^]]+\]|\((\w+, )+\w+\)|broadcast|scalar|one (a|per)\b|\bper\b|of each"
)


def is_array(annotation):
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return ARRAY.search(text) is not None


def test_shapes_of_arrays_are_documented():
    wrong = []
    for where, function, doc, title in functions():
        said = described(doc, title)
        for name, parameter in parameters(function).items():
            if is_array(parameter.annotation) and not SHAPE.search(said.get(name, "")):
                wrong.append(f"{where}: {name}")
        result = inspect.signature(function).return_annotation
        if title == "Args" and is_array(result) and not SHAPE.search(doc):
            wrong.append(f"{where}: result")
    assert not wrong


def test_the_reference_shows_every_package():
    pages = "\n".join(page.read_text() for page in REFERENCE.glob("*.md"))
    shown = set(re.findall("^::: (.+)", pages, re.MULTILINE))
    packages = {found.name for found in pkgutil.iter_modules(msq_finn.__path__, "msq_finn.")}
    # The repository keeps transformations beside the package; commands have a page of their own.
    assert shown == packages - {"msq_finn.cli"} | {"transforms"}
