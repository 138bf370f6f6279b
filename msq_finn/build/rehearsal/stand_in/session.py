"""One run of Vivado or Vitis HLS: a Tcl interpreter with stand-in commands."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msq_finn.build.rehearsal.findings import Finding, Log, Refusal
from msq_finn.build.rehearsal.stand_in.command import Command, Result
from msq_finn.build.rehearsal.stand_in.project_state import Project
from msq_finn.errors import MissingToolError

#: Folders under which files may lie that scripts name, separated as in PATH.
ROOTS = "MSQ_FINN_REHEARSAL_ROOTS"

#: Every stand-in command is this procedure with the command's name in front; it notes the line.
_PRELUDE = """
proc ::stand_in {name args} {
    set line 0
    catch {set line [dict get [info frame -1] line]}
    lassign [::stand_in_python $name $line {*}$args] failed value rule
    if {$failed} {return -code error -errorcode [list MSQ $rule] $value}
    return $value
}
proc ::exit {{code 0}} {return -code error -errorcode [list EXIT $code] exit}
proc ::unknown {name args} {
    if {[auto_load $name]} {return [uplevel 1 [list $name {*}$args]]}
    return -code error -errorcode {MSQ command} "unknown command $name"
}
"""


def interpreter() -> Any:
    """Make a Tcl interpreter.

    It is Python's own (``tkinter.Tcl``): the same Tcl that Vivado embeds, kept by CPython and its
    distributors, with commands that are Python functions; a ``tclsh`` would need a protocol.

    Raises:
        MissingToolError: this Python was built without Tcl.
    """
    try:
        import tkinter
    except ImportError as error:
        raise MissingToolError(
            "no Tcl in this Python (no module _tkinter), and a rehearsal runs Tcl scripts; "
            "install it, such as Debian's python3-tk"
        ) from error
    return tkinter.Tcl()


class Session:
    """A run of one tool.

    Args:
        commands: the tool's commands.
        log: where findings go.

    Attributes:
        project: Vivado's open project.
        state: what commands of other tools keep between calls.
    """

    project: Project | None

    def __init__(self, commands: Mapping[str, Command], log: Log) -> None:
        self.project = None
        self.state: dict[str, Any] = {}
        self._log, self._commands = log, commands
        self._script, self._line = "", 0
        self._error: Exception | None = None
        self._tcl = interpreter()
        self._tcl.createcommand("stand_in_python", self._dispatch)
        self._tcl.eval(_PRELUDE)
        for name in commands:
            if "::" in name:
                self._tcl.eval(f"namespace eval {name.rpartition('::')[0]} {{}}")
            self._tcl.eval(f"interp alias {{}} {name} {{}} ::stand_in {name}")

    def run(self, script: Path) -> int:
        """Run a script to its end, or to its first error.

        Args:
            script: the file.

        Returns:
            the exit code.
        """
        self._script = script.name
        if not script.is_file():
            self.complain("file", f"there is no script {script}")
            return 1
        self._log.begin(script.name)
        call = self._tcl.call
        failed = int(call("catch", f"source {tcl_list([str(script)])}", "message", "options"))
        if self._error is not None:
            raise self._error
        if not failed:
            return 0
        options = self._tcl.eval("dict get $options -errorcode")
        code = self._tcl.splitlist(options)
        if code[:1] == ("EXIT",):
            return int(code[1])
        trace = self._tcl.eval("dict get $options -errorinfo")
        lines = re.findall(r'\(file "[^"]*" line (\d+)\)', trace)
        self._line = int(lines[-1]) if lines else 0
        text = self._tcl.eval("set message")
        self.complain(code[1] if code[:1] == ("MSQ",) else "tcl", text)
        return 1

    def complain(self, rule: str, text: str) -> None:
        """Note a complaint with which the script goes on."""
        self._log.add(Finding(rule, text, self._script, self._line))

    def unseen(self, text: str) -> None:
        """Note what a rehearsal cannot show."""
        self._log.add(Finding("", text))

    def split(self, text: str) -> list[str]:
        """Elements of a Tcl list."""
        return [str(element) for element in self._tcl.splitlist(text)]

    def file(self, name: str) -> Path:
        """Path of a file or folder that a script names.

        Raises:
            Refusal: there is none.
        """
        path = Path(name)
        if not path.exists():
            raise Refusal("file", f"{name} is not there")
        self.check_place(path)
        return path

    def check_place(self, path: Path) -> None:
        """Complain of a path that is neither in the build nor in an installed package."""
        roots = [Path(root) for root in os.environ.get(ROOTS, "").split(os.pathsep) if root]
        real = path.resolve()
        if roots and not any(real.is_relative_to(root) for root in roots):
            self.complain(
                "travel",
                f"{path} is in neither the build nor an installed package; "
                "on another machine it would not be there",
            )

    def _dispatch(self, name: str, line: str, *words: str) -> str:
        self._line = int(line)
        try:
            result = self._commands[name].run(self, words)
        except Refusal as refusal:
            return tcl_list(["1", refusal.text, refusal.rule])
        except Exception as error:  # Tcl would lose it
            self._error = error
            return tcl_list(["1", str(error), "tcl"])
        return tcl_list(["0", _text(result), ""])


def _text(result: Result) -> str:
    if result is None:
        return ""
    return result if isinstance(result, str) else tcl_list(result)


def tcl_list(elements: Iterable[str]) -> str:
    r"""Write a Tcl list.

    Args:
        elements: texts of any characters.

    >>> print(tcl_list(["a", "b c", "", "{"]))
    a {b c} {} \{
    """
    return " ".join(map(_element, elements))


def _element(text: str) -> str:
    if not text:
        return "{}"
    if not re.search(r"[\s{}\[\]$\";\\#]", text):
        return text
    if not re.search(r"[{}\\]", text):
        return f"{{{text}}}"
    escaped = re.sub(r"([\s{}\[\]$\";\\#])", r"\\\1", text)
    return escaped.replace("\\\n", "\\n")
