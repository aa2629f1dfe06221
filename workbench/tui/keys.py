"""All keys in one table: every binding of the app, its panes, screens and widgets has a name to bind it anew by."""

import inspect
import pkgutil
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from textual.app import App
from textual.binding import Binding, BindingError, BindingsMap, InvalidBinding
from textual.dom import DOMNode
from textual.keys import KEY_TO_UNICODE_NAME, Keys

import workbench.tui

SUFFIXES = ("Pane", "Screen", "App")
DIRECTIONS = {"0, -1": "left", "0, 1": "right", "-1, 0": "up", "1, 0": "down", "-1": "back", "1": "on"}
"""How arguments of an action are told in names."""
APP = "workbench"
"""The owner of the keys that work everywhere."""
_ACTION = re.compile(r"(?P<name>\w+)(?:\((?P<given>.*)\))?$")
_MODIFIED = re.compile(r"(?:(?:ctrl|alt|shift|super)\+)+[\w]+")


@dataclass(frozen=True)
class Named:
    """A binding: whose it is, its name, and its keys."""

    owner: str
    id: str
    keys: tuple[str, ...]
    action: str


def key_name(key: str) -> str:
    """A key as Textual calls it: `question_mark` for `?`.

    Raises:
        ValueError: no key has this name.
    """
    try:
        (made,) = Binding.make_bindings([Binding(key.strip(), "")])
    except (BindingError, InvalidBinding, ValueError):
        raise ValueError(key) from None
    known = {k.value for k in Keys}
    if len(key.strip()) == 1 or made.key in known or _MODIFIED.fullmatch(made.key):
        return made.key
    try:
        unicodedata.lookup(_character_names(made.key))
    except KeyError:
        raise ValueError(key) from None
    return made.key


def _character_names(key: str) -> str:
    """The name of a character in Unicode, from Textual's name of its key."""
    return KEY_TO_UNICODE_NAME.get(key, key.replace("_", " ")).upper()


def owner_of(cls: type) -> str:
    """What a class is called in names of keys: `converge` of ConvergePane, `matrix-map` of MatrixMap."""
    name = cls.__name__
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def id_of(owner: str, action: str, others: Collection[str] = ()) -> str:
    """The name of a binding: `repair.save` for asking where to save, `dataset.step-back` for one step back.

    Args:
        owner: whose binding it is.
        action: what it does.
        others: what else the owner does; asking for something that is also done has a name of its own.
    """
    match = _ACTION.match(action.removeprefix("app."))
    assert match is not None, action
    name, given = match["name"], match["given"] or ""
    words = [word.strip().strip("'") for word in given.split(",")] if given else []
    told = DIRECTIONS.get(given) or "-".join(f"back-{w[1:]}" if w.startswith("-") else w.lower() for w in words)
    if name == "ask" and told not in others:
        return f"{owner}.{told}"
    return f"{owner}.{name}{'-' if told else ''}{told}".replace("_", "-")


def own_bindings(cls: type[DOMNode]) -> dict[tuple[str, str], Binding]:
    """The bindings of a class that this program gave it, by key and action."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith(f"{workbench.__name__}.")]
    given = [binding for base in ours for binding in Binding.make_bindings(base.__dict__.get("BINDINGS", ()))]
    return {(binding.key, binding.action): binding for binding in given}


def classes() -> list[type[DOMNode]]:
    """The app, and every pane, screen and widget with keys; imports them all."""
    found: dict[str, type[DOMNode]] = {}
    for module in pkgutil.walk_packages(workbench.tui.__path__, f"{workbench.tui.__name__}."):
        for _, cls in inspect.getmembers(import_module(module.name), inspect.isclass):
            concrete = issubclass(cls, App) or not cls.__subclasses__() or "BINDINGS" in cls.__dict__
            if issubclass(cls, DOMNode) and cls.__module__ == module.name and concrete and own_bindings(cls):
                found[cls.__name__] = cls
    inherited = {base for cls in found.values() for base in cls.__mro__[1:]}
    leaves = [cls for cls in found.values() if cls not in inherited or not _is_base(cls)]
    return sorted(leaves, key=lambda cls: (not issubclass(cls, App), cls.__module__, cls.__name__))


def _is_base(cls: type) -> bool:
    """Whether a class is there for others to be made of: a pane without a title."""
    return getattr(cls, "TITLE", None) == "" and not issubclass(cls, App)


def name_bindings(cls: type[DOMNode]) -> list[Named]:
    """Give the bindings of a class their names, in place, and return them."""
    owner, ours = owner_of(cls), own_bindings(cls)
    merged = cls._merged_bindings
    assert merged is not None
    named: dict[str, list[Binding]] = {}
    actions = {action for _, action in ours}
    for key, bindings in merged.key_to_bindings.items():
        named[key] = [
            replace(b, id=id_of(owner, b.action, actions)) if (key, b.action) in ours else b for b in bindings
        ]
    cls._merged_bindings = BindingsMap.from_keys(named)
    return collected(owner, cls._merged_bindings)


def collected(owner: str, bindings: BindingsMap) -> list[Named]:
    """The named bindings of a map, several keys of one together."""
    keys: dict[tuple[str, str], list[str]] = {}
    for key, binding in bindings:
        if binding.id and binding.id.startswith(f"{owner}."):
            keys.setdefault((binding.id, binding.action), []).append(key)
    return [Named(owner, name, tuple(these), action) for (name, action), these in keys.items()]


def table() -> list[Named]:
    """Every binding of the program, named."""
    return [named for cls in classes() for named in name_bindings(cls)]


def checked(wanted: Mapping[str, str], known: list[Named]) -> tuple[dict[str, str], list[str]]:
    """A keymap for Textual, and a line for each entry that cannot be: no such name or key, or a key that is taken."""
    by_id = {named.id: named for named in known}
    keymap: dict[str, str] = {}
    faults = []
    for name, text in wanted.items():
        if name not in by_id:
            faults.append(f"keys: no binding is called {name!r}; agentemb-tui keys lists them")
            continue
        try:
            keymap[name] = ",".join(key_name(key) for key in text.split(","))
        except ValueError as error:
            faults.append(f"keys: {name}: no key is called {str(error)!r}")
    for name in list(keymap):
        taken = _taken(name, keymap, known)
        if taken:
            faults.append(f"keys: {name} = {keymap.pop(name)!r} is taken by {taken}; it stays as it was")
    return keymap, faults


def _taken(name: str, keymap: Mapping[str, str], known: list[Named]) -> str:
    """The binding that has one of the keys already, where both are looked for; empty if none has."""
    mine, owner = set(keymap[name].split(",")), name.partition(".")[0]
    for other in known:
        together = owner in (other.owner, APP) or other.owner == APP
        held = keymap[other.id].split(",") if other.id in keymap else other.keys
        if other.id != name and together and mine & set(held):
            return other.id
    return ""


def apply(app: App[Any], wanted: Mapping[str, str]) -> list[str]:
    """Bind keys anew in an app, whose panes are made after this; returns what could not be."""
    known = table()
    merged = type(app)._merged_bindings
    assert merged is not None
    # The app itself was made with its bindings before they had names.
    app._bindings = merged.copy()
    keymap, faults = checked(wanted, known)
    app.set_keymap(keymap)
    return faults
