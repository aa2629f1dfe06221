"""Arrays and numbers of NumPy as pickles hold them, built by functions of this program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.importing.pickles import Calls

NUMBERS = 1 << 26
"""In one array."""


@dataclass(frozen=True)
class _Kind:
    """A NumPy dtype of plain numbers, as a pickle makes it: the code first, the byte order by its state."""

    code: str
    order: str = "<"

    def set_state(self, state: Any) -> "_Kind":
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise ValueError("a dtype that is not understood")
        return _Kind(self.code, state[1])

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.order + self.code)


@dataclass(frozen=True)
class _Unfilled:
    """An array that waits for its numbers."""

    def set_state(self, state: Any) -> NDArray:
        _, shape, kind, fortran, data = state
        return array_from(data, kind, shape, "F" if fortran else "C")


def kind(code: Any, *_: Any) -> _Kind:
    """`numpy.dtype` of a pickle.

    Raises:
        ValueError: not a dtype of plain numbers.
    """
    if not isinstance(code, str) or len(code) < 2 or code[0] not in "biuf" or code[1:] not in ("1", "2", "4", "8"):
        raise ValueError("an array of something other than numbers")
    return _Kind(code)


def array_from(data: Any, kind: Any, shape: Any, order: Any = "C") -> NDArray:
    """An array from its bytes.

    Raises:
        ValueError: the bytes are not as many as the shape says.
    """
    if not isinstance(kind, _Kind) or not isinstance(data, bytes | bytearray) or order not in ("C", "F"):
        raise ValueError("an array that is not understood")
    return np.frombuffer(bytes(data), kind.dtype).reshape(_shape(shape), order=order)


def _shape(shape: Any) -> tuple[int, ...]:
    if isinstance(shape, int):
        shape = (shape,)
    if not isinstance(shape, tuple) or len(shape) > 8 or not all(type(n) is int and 0 <= n <= NUMBERS for n in shape):
        raise ValueError("an array of a shape that cannot be")
    return shape


def _scalar(kind: Any, data: Any) -> Any:
    return array_from(data, kind, 1)[0].item()


def no_bytes(*args: Any) -> bytes:
    """`bytes()` of old pickles, which have no other way to say that there are none.

    Raises:
        ValueError: it is asked for more than that.
    """
    if args:
        raise ValueError("bytes made of something")
    return b""


def encode(text: Any, coding: Any = "latin1") -> bytes:
    """`_codecs.encode`, by which old pickles say bytes.

    Raises:
        ValueError: not text, or not in Latin 1.
    """
    if not isinstance(text, str) or coding not in ("latin1", "latin-1"):
        raise ValueError("text in a coding that is not read")
    return text.encode("latin1")


_BUILDERS: dict[str, Callable[..., Any]] = {
    "multiarray._reconstruct": lambda *_: _Unfilled(),
    "multiarray.scalar": _scalar,
    "numeric._frombuffer": array_from,
}
CALLS: Calls = {
    "numpy.dtype": kind,
    "_codecs.encode": encode,
    "__builtin__.bytes": no_bytes,
    **{f"numpy.{core}.{name}": function for core in ("core", "_core") for name, function in _BUILDERS.items()},
}
"""What builds arrays and numbers of NumPy."""
