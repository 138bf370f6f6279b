"""Stand-in commands: their names, options and words, and the table of them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msq_finn.build.rehearsal.findings import Refusal


@dataclass
class Args:
    """What a command was given.

    Attributes:
        options: values by option, an empty text for a flag.
        words: everything else, in order.
    """

    options: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def __contains__(self, option: str) -> bool:
        """Whether an option was given."""
        return option in self.options

    def get(self, option: str, default: str = "") -> str:
        """Value of an option."""
        return self.options.get(option, default)

    def need(self, name: str, option: str) -> str:
        """Value of an option without which the command ``name`` does nothing.

        Raises:
            Refusal: it was not given.
        """
        if option not in self.options:
            raise Refusal("command", f"{name} without {option}")
        return self.options[option]


#: What a command gives back: a text, a list, or nothing.
Result = str | Sequence[str] | None

#: Takes the session, and what the script gave.
Function = Callable[[Any, Args], Result]


@dataclass(frozen=True)
class Command:
    """A stand-in command.

    Attributes:
        name: as scripts write it.
        options: whether each option takes a value.
        least: words that it needs.
        most: words that it takes.
        function: what it does.
    """

    name: str
    options: dict[str, bool]
    least: int
    most: int
    function: Function

    def run(self, session: Any, words: Sequence[str]) -> Result:
        """Run it on a script's words.

        Raises:
            Refusal: an option is unknown, or a word missing or too much.
        """
        return self.function(session, self._parse(list(words)))

    def _parse(self, words: list[str]) -> Args:
        args = Args()
        while words:
            word = words.pop(0)
            if not (word.startswith("-") and word[1:2].isalpha()):
                args.words.append(word)
                continue
            option = self._option(word)
            if self.options[option] and not words:
                raise Refusal("command", f"{self.name}: {word} without a value")
            args.options[option] = words.pop(0) if self.options[option] else ""
        if not self.least <= len(args.words) <= self.most:
            raise Refusal(
                "command",
                f"{self.name} takes {_span(self.least, self.most)}, not {len(args.words)}: "
                f"{' '.join(args.words)[:200]!r}",
            )
        return args

    def _option(self, word: str) -> str:
        """The option that a word abbreviates."""
        if word in self.options:
            return word
        found = [option for option in self.options if option.startswith(word)]
        if len(found) != 1:
            raise Refusal("command", f"{self.name} has no option {word}")
        return found[0]


#: Vivado's commands, and Vitis HLS's, that scripts may use.
VIVADO: dict[str, Command] = {}
HLS: dict[str, Command] = {}


def command(
    name: str,
    *options: str,
    words: tuple[int, int] = (0, 0),
    table: dict[str, Command] = VIVADO,
) -> Callable[[Function], Function]:
    """Enter a function as a command.

    Args:
        name: as scripts write it.
        options: names of options; those that take a value end in ``=``.
        words: how many words it takes, at least and at most.
        table: of which tool.
    """

    def enter(function: Function) -> Function:
        known = {option.rstrip("="): option.endswith("=") for option in options}
        table[name] = Command(name, known, *words, function)
        return function

    return enter


def _span(least: int, most: int) -> str:
    return f"{least} words" if least == most else f"{least} to {most} words"
