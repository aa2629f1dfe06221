"""What a pickle says, without doing what it asks: an interpreter of the opcodes that builds plain data.

Nothing is imported, looked up or called that a file names. A name in a pickle is a `Name`; the few calls that
checkpoints need are functions of this program, given by the caller by name; objects of some classes, where the caller
admits them, become inert `Record`s; everything else is refused.
"""

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from workbench.errors import WorkbenchError
from workbench.text import clean

LARGEST = 1 << 26
"""Bytes of a pickle, tensors aside."""
OPCODES = 2_000_000
"""More than any checkpoint has: three a number in its lists."""
_KEYS = (str, int, float, bytes, type(None))
"""Of dictionaries: what has a hash that is quickly computed."""


@dataclass(frozen=True)
class Name:
    """A class or function that a pickle names."""

    path: str
    """Module and name, with a dot between."""


@dataclass
class Record:
    """An object of a class that is not imported: what it was made with, and its state."""

    path: str
    args: tuple[Any, ...] = ()
    state: Any = None
    items: list[Any] = field(default_factory=list)
    """What was appended to it, or set in it as pairs."""

    def get(self, attribute: str, default: Any = None) -> Any:
        """An attribute of the object."""
        return self.state.get(attribute, default) if isinstance(self.state, dict) else default


class _Mark:
    """Where a group of values begins on the stack."""


_MARK = _Mark()
Calls = Mapping[str, Callable[..., Any]]


def read(
    file: BinaryIO, calls: Calls, inert: tuple[str, ...] = (), persistent: Callable[[Any], Any] | None = None
) -> Any:
    """The value of a pickle; the file is left at its end.

    Args:
        file: at the pickle's beginning.
        calls: what may be called, by module and name.
        inert: beginnings of names of classes whose objects become records.
        persistent: what a persistent id stands for.

    Raises:
        WorkbenchError: it is damaged or too long, or asks for something that is not admitted.
    """
    return _Machine(calls, inert, persistent).run(file)


class _Machine:
    def __init__(self, calls: Calls, inert: tuple[str, ...], persistent: Callable[[Any], Any] | None) -> None:
        self.calls, self.inert, self.persistent = calls, inert, persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, file: BinaryIO) -> Any:
        try:
            for count, (opcode, arg, _) in enumerate(pickletools.genops(file)):
                if count > OPCODES:
                    raise WorkbenchError(f"a pickle of more than {OPCODES:,} operations")
                if opcode.name == "STOP":
                    return self.stack.pop()
                if opcode.name in _VALUES:
                    self.stack.append(arg)
                elif opcode.name in _CONSTANTS:
                    self.stack.append(_CONSTANTS[opcode.name]())
                else:
                    method = _METHODS.get(opcode.name)
                    if method is None:
                        raise WorkbenchError(f"a pickle with the operation {opcode.name}, which is not followed")
                    method(self, arg)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, EOFError) as error:
            raise WorkbenchError(f"a damaged pickle ({clean(error, 100) or type(error).__name__})") from None
        raise WorkbenchError("a damaged pickle (it has no end)")

    def marked(self) -> list[Any]:
        """What lies above the last mark, taken from the stack with it."""
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise ValueError("no mark")
        found = self.stack[at + 1 :]
        del self.stack[at:]
        return found

    def pop(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise ValueError("the stack is empty")
        found = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        if any(value is _MARK for value in found):
            raise ValueError("a mark where a value should be")
        return found

    def put_items(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        if len(pairs) % 2:
            raise ValueError("a key without a value")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if isinstance(target, Record):
                target.items.append((key, value))
            elif not isinstance(target, dict) or not isinstance(key, _KEYS):
                raise ValueError(f"a {type(key).__name__} as the key of a {type(target).__name__}")
            else:
                target[key] = value

    def put_values(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list | Record):
            raise ValueError(f"values appended to a {type(target).__name__}")
        (target.items if isinstance(target, Record) else target).extend(values)

    def call(self, function: Any, args: Any) -> Any:
        if not isinstance(function, Name) or not isinstance(args, tuple):
            raise ValueError("a call of something that is no function")
        if function.path in self.calls:
            return self.calls[function.path](*args)
        if function.path.startswith(self.inert):
            return Record(function.path, args)
        raise _refused(function.path, "would call")

    def make(self, kind: Any, args: Any) -> Any:
        if not isinstance(kind, Name) or not isinstance(args, tuple):
            raise ValueError("an object of something that is no class")
        if kind.path.startswith(self.inert):
            return Record(kind.path, args)
        if kind.path in self.calls:
            return self.calls[kind.path](*args)
        raise _refused(kind.path, "holds an object of")

    def build(self) -> None:
        target, state = self.stack[-2], self.pop(1)[0]
        if isinstance(target, Record):
            target.state = state
        elif hasattr(target, "set_state"):
            self.stack[-1] = target.set_state(state)
            for key, value in self.memo.items():
                if value is target:
                    self.memo[key] = self.stack[-1]
        elif not isinstance(target, dict):  # attributes of a dictionary say nothing of its entries
            raise ValueError(f"a state for a {type(target).__name__}")


def _refused(path: str, does: str) -> WorkbenchError:
    return WorkbenchError(
        f"its pickle {does} {clean(path, 80)}, which is refused; of a pickled module, save the state_dict() instead"
    )


def _keep(machine: _Machine, at: int) -> None:
    machine.memo[at] = machine.stack[-1]


def _reduce(machine: _Machine, _: Any) -> None:
    machine.stack.append(machine.call(*machine.pop(2)))


def _newobj(machine: _Machine, _: Any) -> None:
    machine.stack.append(machine.make(*machine.pop(2)))


def _newobj_ex(machine: _Machine, _: Any) -> None:
    kind, args, _named = machine.pop(3)
    machine.stack.append(machine.make(kind, args))


def _old_object(machine: _Machine, arg: str) -> None:
    machine.stack.append(machine.make(Name(arg.replace(" ", ".")), tuple(machine.marked())))


def _object(machine: _Machine, _: Any) -> None:
    kind, *args = machine.marked()
    machine.stack.append(machine.make(kind, tuple(args)))


def _dictionary(machine: _Machine, _: Any) -> None:
    pairs = machine.marked()
    machine.stack.append({})
    machine.put_items(pairs)


def _stack_global(machine: _Machine, _: Any) -> None:
    module, name = machine.pop(2)
    if not isinstance(module, str) or not isinstance(name, str):
        raise ValueError("a name that is no text")
    machine.stack.append(Name(f"{module}.{name}"))


def _persistent(machine: _Machine, name: Any) -> None:
    if machine.persistent is None:
        raise WorkbenchError("a pickle that refers to something outside of it")
    machine.stack.append(machine.persistent(name))


_VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE",
    "BINUNICODE8", "FLOAT", "BINFLOAT",
}  # fmt: skip
"""Opcodes that push their argument."""
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": list,
    "MARK": lambda: _MARK,
}
_METHODS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda m, _: None,
    "FRAME": lambda m, _: None,
    "POP": lambda m, _: m.stack.pop(),
    "POP_MARK": lambda m, _: m.marked().clear(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "PUT": _keep,
    "BINPUT": _keep,
    "LONG_BINPUT": _keep,
    "MEMOIZE": lambda m, _: _keep(m, len(m.memo)),
    "GET": lambda m, at: m.stack.append(m.memo[at]),
    "BINGET": lambda m, at: m.stack.append(m.memo[at]),
    "LONG_BINGET": lambda m, at: m.stack.append(m.memo[at]),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.marked())),
    "TUPLE1": lambda m, _: m.stack.append(tuple(m.pop(1))),
    "TUPLE2": lambda m, _: m.stack.append(tuple(m.pop(2))),
    "TUPLE3": lambda m, _: m.stack.append(tuple(m.pop(3))),
    "LIST": lambda m, _: m.stack.append(m.marked()),
    "FROZENSET": lambda m, _: m.stack.append(m.marked()),
    "DICT": _dictionary,
    "APPEND": lambda m, _: m.put_values(m.pop(1)),
    "APPENDS": lambda m, _: m.put_values(m.marked()),
    "ADDITEMS": lambda m, _: m.put_values(m.marked()),
    "SETITEM": lambda m, _: m.put_items(m.pop(2)),
    "SETITEMS": lambda m, _: m.put_items(m.marked()),
    "GLOBAL": lambda m, arg: m.stack.append(Name(arg.replace(" ", "."))),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "NEWOBJ": _newobj,
    "NEWOBJ_EX": _newobj_ex,
    "INST": _old_object,
    "OBJ": _object,
    "BUILD": lambda m, _: m.build(),
    "PERSID": _persistent,
    "BINPERSID": lambda m, _: _persistent(m, m.pop(1)[0]),
}
