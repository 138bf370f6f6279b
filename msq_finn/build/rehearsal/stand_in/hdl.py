"""Verilog sources of a Vivado project, read by slang."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msq_finn.synth
from msq_finn.build.rehearsal.stand_in.literal_rules import beyond_standard
from msq_finn.errors import MissingToolError
from msq_finn.rtl.literals import remarked_sizes

#: Ports and parameters of Xilinx primitives, which Vivado has in its libraries.
_PRIMITIVES = Path(msq_finn.synth.__file__).with_name("xilinx_stubs.v")

#: Sentences that Vivado takes in FINN's library, as FINN's users see every day, and the standard
#: does not: a directive about undeclared nets inside a module, ports sized by later parameters.
_TAKEN_FROM_FINN = {"DirectiveInsideDesignElement"}

#: Warnings that are complaints: bits that a port connection cuts off.
_WARNINGS = {"PortWidthTruncate"}

#: Texts that name memory contents: a relative file, an absolute one, or the beginning of several.
_RELATIVE = re.compile(r'"([^"/%\n][^"%\n]*\.(?:dat|mem|hex))"')
_ABSOLUTE = re.compile(r'"(/[^"%\n]+)"')

#: File types by suffix, as Vivado names them.
FILE_TYPES = {
    ".v": "Verilog",
    ".sv": "SystemVerilog",
    ".vh": "Verilog Header",
    ".svh": "Verilog Header",
    ".vhd": "VHDL",
    ".xci": "XCI",
    ".xdc": "XDC",
    ".dat": "Memory File",
    ".mem": "Memory File",
}


@dataclass(frozen=True)
class ModulePort:
    """A module's port.

    Attributes:
        name: as declared.
        direction: ``I``, ``O`` or ``IO``.
        width: bits.
        attributes: texts, such as those of ``X_INTERFACE_INFO``.
    """

    name: str
    direction: str
    width: int
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Module:
    """A module with values for its parameters.

    Attributes:
        name: as declared.
        file: that declares it.
        ports: in order.
        parameters: values of those that can be set.
    """

    name: str
    file: Path
    ports: tuple[ModulePort, ...]
    parameters: Mapping[str, str]


#: A rule, and what is wrong.
Faults = list[tuple[str, str]]


def check_slang() -> Any:
    """The module ``pyslang``.

    Raises:
        MissingToolError: it is not installed.
    """
    try:
        import pyslang
    except ImportError as error:
        raise MissingToolError(
            "no slang to check sources with, for a rehearsal; pip install pyslang"
        ) from error
    return pyslang


class Sources:
    """Sources that a project compiles.

    Args:
        library: FINN's RTL library, in whose files some sentences are let through.

    Raises:
        MissingToolError: pyslang is not installed.
    """

    def __init__(self, library: Path | None = None) -> None:
        self._slang = check_slang()
        self._manager = self._slang.SourceManager()
        self._engine = self._slang.DiagnosticEngine(self._manager)
        self._library = library
        self._trees: dict[Path, Any] = {}
        self._files: dict[str, Path] = {}
        self._contents: dict[str, str] = {}

    def __iter__(self) -> Any:
        """The files, in the order that they were added in."""
        return iter(self._trees)

    def add(self, path: Path) -> Faults:
        """Read a source; one that is there already is left as it is."""
        if path in self._trees or path.suffix not in (".v", ".sv"):
            return []
        text = path.read_text()
        self._trees[path] = tree = self._parsed(path)
        faults = self._faults(tree.diagnostics)
        said = remarked_sizes(text)
        faults += [("literal", f"{path.name}: {what}") for what in beyond_standard(tree, said)]
        for name in _RELATIVE.findall(text):
            what = "a relative path, which Vivado looks up in a folder of its own"
            faults.append(("file", f"{path.name} reads {name}: {what}"))
        for named in self.memory_files(path):
            if not any(named.parent.glob(f"{glob.escape(named.name)}*")):
                faults.append(("file", f"{path.name} reads {named}, which is not there"))
        return faults + self._declare(path, tree, text)

    def remarked(self, path: Path) -> set[int]:
        """Sizes of literals that a source says are beyond what every tool takes."""
        return remarked_sizes(path.read_text())

    def memory_files(self, path: Path) -> list[Path]:
        """Absolute paths of memory contents that a source names, or how they begin."""
        return [Path(name) for name in _ABSOLUTE.findall(path.read_text())]

    def file_of(self, module: str) -> Path | None:
        """Which file declares a module, None if there is none."""
        return self._files.get(module)

    def module(self, name: str, parameters: Mapping[str, str]) -> tuple[Module, Faults]:
        """Elaborate a module, and everything beneath it.

        Args:
            name: of a module that :meth:`file_of` finds.
            parameters: values other than the module's own.
        """
        ast = self._slang.ast
        options = ast.CompilationOptions()
        options.topModules = {name}
        options.paramOverrides = [f"{key}={value}" for key, value in parameters.items()]
        options.flags = ast.CompilationFlags.AllowUseBeforeDeclare
        compilation = ast.Compilation(self._slang.Bag([options]))
        for tree in (*self._trees.values(), self._parsed(_PRIMITIVES)):
            compilation.addSyntaxTree(tree)
        faults = self._faults(compilation.getSemanticDiagnostics())
        tops = list(compilation.getRoot().topInstances)
        if not tops:
            return Module(name, self._files[name], (), {}), faults
        body = tops[0].body
        values = {p.name: _value(p) for p in body.parameters if not p.isLocalParam}
        ports = tuple(_port(compilation, port) for port in body.portList)
        return Module(name, self._files[name], ports, values), faults

    def _parsed(self, path: Path) -> Any:
        """Parse by the standard that Vivado takes the file for."""
        version = self._slang.LanguageVersion
        standard = version.v1364_2005 if path.suffix == ".v" else version.v1800_2017
        parsing = self._slang.parsing
        options = [
            parsing.PreprocessorOptions(), parsing.LexerOptions(), parsing.ParserOptions()
        ]  # fmt: skip
        for option in options:
            option.languageVersion = standard
        bag = self._slang.Bag(options)
        return self._slang.syntax.SyntaxTree.fromFile(str(path), self._manager, bag)

    def _declare(self, path: Path, tree: Any, text: str) -> Faults:
        """Note which modules a file declares."""
        faults: Faults = []
        kinds = self._slang.syntax.SyntaxKind
        root = tree.root
        members = root.members if root.kind == kinds.CompilationUnit else [root]
        for member in members:
            if member.kind not in (kinds.ModuleDeclaration, kinds.PackageDeclaration):
                continue
            name = member.header.name.valueText
            if name not in self._files:
                self._files[name], self._contents[name] = path, text
            elif self._contents[name] != text:
                other = self._files[name]
                faults.append(("name", f"{name} is declared by {other} and differently by {path}"))
        return faults

    def _faults(self, diagnostics: Iterable[Any]) -> Faults:
        faults: Faults = []
        for diagnostic in diagnostics:
            code = str(diagnostic.code).removeprefix("DiagCode(").removesuffix(")")
            file = Path(str(self._manager.getFullPath(diagnostic.location.buffer)))
            theirs = self._library is not None and file.is_relative_to(self._library)
            if theirs and code in _TAKEN_FROM_FINN:
                continue
            if not diagnostic.isError() and (theirs or code not in _WARNINGS):
                continue
            line = self._manager.getLineNumber(diagnostic.location)
            text = self._engine.formatMessage(diagnostic)
            faults.append(("compile", f"{file.name}:{line}: {text}"))
        return list(dict.fromkeys(faults))


def _port(compilation: Any, port: Any) -> ModulePort:
    direction = {"In": "I", "Out": "O"}.get(port.direction.name, "IO")
    attributes = {
        attribute.name.upper(): str(attribute.value.convertToStr().value)
        for attribute in compilation.getAttributes(port)
        if attribute.name.upper().startswith("X_INTERFACE")
    }
    return ModulePort(port.name, direction, int(port.type.bitWidth), attributes)


def _value(parameter: Any) -> str:
    value = getattr(parameter, "value", None)
    return "" if value is None else str(value.value)
