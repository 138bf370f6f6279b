"""What a rehearsal finds: complaints, and what it cannot show."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

#: What complaints are about.
RULES = {
    "address": "an address that is missing, misaligned, taken or out of reach",
    "clock": "a clock that is missing, or another than the other side's",
    "command": "a command or an option that Vivado has not, or the stand-in does not know",
    "compile": "a source that slang rejects",
    "file": "a file that is not there",
    "flow": "FINN stopped, or a file that it needs was not made",
    "hls": "an HLS script or source that does not fit what is to be made of it",
    "interface": "an interface that is missing, incomplete, unconnected, or of another kind",
    "ip": "an IP that no repository holds, or that two hold differently",
    "literal": "a literal beyond what the Verilog standard guarantees",
    "module": "a module that no source defines, or that cannot be referenced in a block design",
    "name": "a name that is used twice",
    "parameter": "a parameter that the module or IP has not",
    "port": "a port or pin that is missing, driven twice or not at all",
    "property": "a property that the object has not, or a value that it cannot have",
    "reset": "a reset that is missing",
    "tcl": "an error of Tcl's own",
    "travel": "a path or a name of this machine in what goes to another",
    "width": "two ends of different widths",
}


class Refusal(Exception):
    """A complaint after which a script cannot go on.

    Args:
        rule: one of `RULES`.
        text: what is wrong, where.
    """

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule, self.text = rule, text


@dataclass(frozen=True)
class Finding:
    """One complaint, or one thing that a rehearsal cannot show.

    Attributes:
        rule: one of `RULES`, empty for what cannot be shown.
        text: in words.
        script: name of the script, empty where it is about none.
        line: in the script, 0 where it is not known.
    """

    rule: str
    text: str
    script: str = ""
    line: int = 0

    def __str__(self) -> str:
        """One line for the terminal."""
        where = f"{self.script}:{self.line}: " if self.script else ""
        return f"{where}{self.text}" + (f" [{self.rule}]" if self.rule else "")


class Log:
    """Findings of all processes of a rehearsal, and which scripts they ran.

    Args:
        path: file of the findings; made if missing, beside one of the scripts' names.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._scripts = path.with_name(f"{path.name}.scripts")

    def add(self, finding: Finding) -> None:
        """Append a finding; lines of several processes do not mix.

        Args:
            finding: of any process.
        """
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(finding)) + "\n")

    def begin(self, script: str) -> None:
        """Note that a script runs."""
        with self._scripts.open("a") as file:
            file.write(f"{script}\n")

    def scripts(self) -> list[str]:
        """Names of the scripts that ran."""
        return self._scripts.read_text().splitlines() if self._scripts.exists() else []

    def read(self) -> tuple[list[Finding], list[Finding]]:
        """Complaints, and what cannot be shown, each once and in order."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        found = list(dict.fromkeys(Finding(**json.loads(line)) for line in lines))
        return [f for f in found if f.rule], _once(f for f in found if not f.rule)


def _once(findings: Iterable[Finding]) -> list[Finding]:
    return list({finding.text: finding for finding in findings}.values())
