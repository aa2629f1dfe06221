"""Filters: expressions on columns such as `survival > 190 and lr < 0.005`, read without ever being executed."""

import ast
import keyword
import operator
import re
from collections.abc import Callable, Container, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.population import FINGERPRINT, Population, Text

_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "log": np.log,
    "sqrt": np.sqrt,
    "isnan": np.isnan,
}
MAX_LENGTH = 1000
_OPERATORS = ("and", "or", "not", "in", "True", "False")
_NAMES = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?P<quoted>[^`\n]+)`|(?P<word>[^\W\d]\w*)""")
"""Strings, which stay, and names."""
_LETTER = "\u01c3"
"""What stand-ins begin with: a letter that nobody types."""


def matches(population: Population, expression: str, marks: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Which networks an expression on the columns is true of.

    Names are columns, and also `id` (the row), `group` (the group's name) and `marked`; names that are no words stand
    between backquotes. There are comparisons, also chained, `and`, `or`, `not`, `in [...]`, arithmetic, abs, log, sqrt
    and isnan. An empty expression is true of all.

    Args:
        population: the networks.
        expression: the text.
        marks: (n,), what `marked` means; none are by default.

    Returns:
        (n,) mask.

    Raises:
        WorkbenchError: it does not parse, names no column, or compares text with numbers.
    """
    if not expression.strip():
        return np.ones(len(population), bool)
    if len(expression) > MAX_LENGTH:
        raise WorkbenchError(f"filter: {len(expression)} characters; at most {MAX_LENGTH} are read")
    written, names = _stood_in(expression.strip(), population.columns)
    try:
        tree = ast.parse(written, mode="eval").body
    except SyntaxError as error:
        where = f" at character {error.offset}" if error.offset else ""
        raise WorkbenchError(f"filter: {expression!r} does not parse{where}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise WorkbenchError(f"filter: {expression!r} does not parse") from None
    try:
        with np.errstate(all="ignore"):
            result = _Evaluation(population, marks, names).value(tree)
    except WorkbenchError as error:
        told = str(error)
        for stand_in, name in names.items():
            told = told.replace(stand_in, name)
        raise WorkbenchError(told) from None
    except (TypeError, ValueError, OverflowError, ZeroDivisionError, RecursionError) as error:
        raise WorkbenchError(f"filter: {expression!r} cannot be computed: {error}") from None
    result = np.asarray(result)
    if result.dtype != bool:
        raise WorkbenchError(
            f"filter: {expression!r} is not a condition; compare it with something, as in survival > 190"
        )
    return np.broadcast_to(result, len(population)).copy()


def quoted(name: str) -> str:
    """A column's name as it stands in an expression.

    Raises:
        WorkbenchError: it cannot stand in any.
    """
    if name.isidentifier() and name not in _OPERATORS:
        return name
    if not name or set("`\n") & set(name):
        raise WorkbenchError(f"filter: the name {name[:60]!r} cannot stand in one")
    return f"`{name}`"


def _stood_in(expression: str, columns: Container[str]) -> tuple[str, dict[str, str]]:
    """An expression in which columns whose names Python would not take (`return`, `a/b`) have stand-ins.

    These are as long, so that places in messages hold.
    """
    names: dict[str, str] = {}

    def replaced(found: re.Match[str]) -> str:
        text, name = found.group(0), found.group("quoted") or found.group("word")
        plain = name == text and not (keyword.iskeyword(name) and name in columns and name not in _OPERATORS)
        if name is None or plain:
            return text
        number = str(len(names))
        stand_in = number.rjust(max(len(text), len(number) + 1), _LETTER)
        names[stand_in] = name
        return stand_in

    return _NAMES.sub(replaced, expression), names


class _Evaluation:
    def __init__(self, population: Population, marks: NDArray[np.bool_] | None, names: Mapping[str, str]) -> None:
        self.population = population
        self.marks = marks
        self.names = names

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as constant):
                return float(constant) if type(constant) is int else constant
            case ast.Name(id=name):
                return self.column(name)
            case ast.BoolOp(op=op, values=values):
                joined = [self.condition(v) for v in values]
                return np.logical_and.reduce(joined) if isinstance(op, ast.And) else np.logical_or.reduce(joined)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return np.logical_not(self.condition(operand))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.number(operand)
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _BINARY:
                return _BINARY[type(op)](self.number(left), self.number(right))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                return self.comparison(left, ops, comparators)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
                return _FUNCTIONS[name](self.number(argument))
        raise WorkbenchError(f"filter: {ast.unparse(node)!r} is not understood here")

    def column(self, name: str) -> Any:
        name, n = self.names.get(name, name), len(self.population)
        if name == FINGERPRINT and name in self.population.columns:
            return np.array([f"{value:016x}" for value in self.population[name].tolist()])
        if name in self.population.columns:
            column = self.population.columns[name]
            return column.values() if isinstance(column, Text) else np.asarray(column)
        if name == "id":
            return np.arange(n)
        if name == "marked":
            return np.zeros(n, bool) if self.marks is None else self.marks
        if name == "group" and self.population.measured:
            groups = self.population.groups
            return np.array([*groups.names, ""])[groups.assign(self.population.performance)]
        known = ", ".join(["id", *self.population.columns, "group", "marked"])
        raise WorkbenchError(f"filter: no column {name!r}; there are {known}")

    def number(self, node: ast.expr) -> Any:
        value = self.value(node)
        if np.asarray(value).dtype.kind not in "biuf":
            raise WorkbenchError(f"filter: {ast.unparse(node)!r} is text; a number is expected there")
        return value if np.asarray(value).dtype.kind == "f" else np.asarray(value, float)

    def condition(self, node: ast.expr) -> Any:
        value = self.value(node)
        if np.asarray(value).dtype != bool:
            raise WorkbenchError(f"filter: {ast.unparse(node)!r} is not a condition; compare it with something")
        return value

    def comparison(self, left: ast.expr, ops: list[ast.cmpop], comparators: list[ast.expr]) -> Any:
        result: Any = True
        a, a_node = self.value(left), left
        for op, b_node in zip(ops, comparators, strict=True):
            if isinstance(op, ast.In | ast.NotIn) and isinstance(b_node, ast.List | ast.Tuple | ast.Set):
                options = [self.value(element) for element in b_node.elts]
                for element, option in zip(b_node.elts, options, strict=True):
                    self._comparable(a, a_node, option, element)
                found = np.isin(a, options) if options else np.zeros(len(self.population), bool)
                result = np.logical_and(result, found if isinstance(op, ast.In) else ~found)
                continue
            if type(op) not in _COMPARE:
                raise WorkbenchError(f"filter: {ast.unparse(b_node)!r} cannot be compared that way")
            b = self.value(b_node)
            self._comparable(a, a_node, b, b_node)
            result = np.logical_and(result, _COMPARE[type(op)](a, b))
            a, a_node = b, b_node
        return result

    def _comparable(self, a: Any, a_node: ast.expr, b: Any, b_node: ast.expr) -> None:
        a_text, b_text = np.asarray(a).dtype.kind == "U", np.asarray(b).dtype.kind == "U"
        if a_text != b_text:
            text, number = (a_node, b_node) if a_text else (b_node, a_node)
            raise WorkbenchError(f"filter: {ast.unparse(text)} is text and {ast.unparse(number)} is a number")
        for node, other in ((a_node, b_node), (b_node, a_node)):
            named = isinstance(node, ast.Name) and node.id == "group" and isinstance(other, ast.Constant)
            names = self.population.groups.names
            if named and other.value not in names:  # type: ignore[attr-defined]
                raise WorkbenchError(f"filter: no group {b!r}; there are {', '.join(names)}")
