"""YAML text of a plan, read strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from msq_finn.errors import MsqError, said_by


def read_yaml(path: Path) -> Any:
    """Read a file of YAML.

    Args:
        path: of the file; UTF-8.

    Returns:
        What it holds, of plain Python types.

    Raises:
        MsqError: no such file, not YAML, or a key that is given twice.
    """
    try:
        if path.exists() and not path.is_file():
            raise MsqError("is no file; give a plan of 'msq-finn plan'", where=path)
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise MsqError("not UTF-8 text; give a plan of 'msq-finn plan'", where=path) from error
    except (OSError, ValueError) as error:
        raise MsqError("cannot be read; give a plan of 'msq-finn plan'", where=path) from error
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        _check_keys(root, path)
        return None if root is None else loader.construct_document(root)
    except yaml.YAMLError as error:
        raise MsqError(f"not YAML ({said_by(error)})", where=path) from error
    except (ValueError, RecursionError) as error:  # dates, numbers and nesting beyond reason
        raise MsqError(f"not a plan ({type(error).__name__} in its YAML)", where=path) from error


def _check_keys(root: Any, path: Path) -> None:
    """Refuse keys that are given twice, of which YAML would silently take the last."""
    rest, seen = [root], set()
    while rest:
        node = rest.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            rest += node.value
        elif isinstance(node, yaml.MappingNode):
            rest += [value for _, value in node.value]
            keys: set[str] = set()
            for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if key.value in keys:
                    line = key.start_mark.line + 1
                    raise MsqError(
                        f"{key.value} is given twice, again in line {line}; keep one", where=path
                    )
                keys.add(key.value)
