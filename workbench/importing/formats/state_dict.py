"""Files of `torch.save`: state dicts of plain PyTorch and CleanRL, also nested under the usual names."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.importing.archives import Archive, is_archive
from workbench.importing.contract import Format, Hints, Holding
from workbench.importing.layers import policy
from workbench.importing.torch_files import from_archive, from_stream, tensors
from workbench.text import clean

NESTED = (
    "state_dict", "model_state_dict", "policy_state_dict", "actor_state_dict", "q_network_state_dict", "model",
    "policy", "actor", "agent", "q_network", "network", "net",
)  # fmt: skip
"""Where a checkpoint keeps its state dict, the surest first."""
WRAPPERS = ("module.", "_orig_mod.")
"""What data-parallel and compiled modules put before every name."""
NUMBERS = ("global_step", "step", "steps", "epoch", "iteration", "episode", "seed")
"""Entries beside a state dict that become columns."""
DEEPEST = 3
OLDER = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9"


def recognises(path: Path, first: bytes) -> bool:
    """By its name, CleanRL's JAX files among them; or by what torch's older files begin with."""
    return path.suffix.lower() in SUFFIXES or first.startswith(OLDER)


def read(path: Path, hints: Hints) -> Holding:
    """The policy among the file's tensors."""
    with open(path, "rb") as file:
        first = file.read(1)
        file.seek(0)
        if is_archive(file.read(4)):
            found = from_archive(Archive(file))
        elif first == b"\x80":
            file.seek(0)
            found = from_stream(file)
        elif first and (0x81 <= first[0] <= 0x9F or first[0] in (0xDC, 0xDD, 0xDE, 0xDF)):
            raise WorkbenchError("a JAX model (msgpack), which is not read here; save its arrays as .npz")
        else:
            raise WorkbenchError("not a file of torch.save, or its beginning is damaged")
        named, inside = _state_dict(found)
        held = policy(_unwrapped(named), hints.network)
    told = (f"the state dict under {clean(inside, 60)!r}",) if inside else ()
    columns = {n: found[n] for n in NUMBERS if inside and type(found.get(n)) in (int, float)}
    return replace(held, assumed=(*held.assumed, *told), columns=columns)


def _state_dict(found: Any, depth: int = 0) -> tuple[dict[str, Any], str]:
    """Tensors by name, and where they were."""
    own = tensors(found)
    if any(len(t.shape) == 2 for t in own.values()):
        return own, ""
    if isinstance(found, dict) and depth < DEEPEST:
        for name in NESTED:
            if name in found:
                inner, path = _state_dict(found[name], depth + 1)
                if inner:
                    return inner, f"{name}.{path}" if path else name
    if depth:
        return {}, ""
    raise WorkbenchError("no state dict in it (a dictionary of tensors, also under state_dict, model or policy)")


def _unwrapped(named: dict[str, Any]) -> dict[str, Any]:
    for wrapper in WRAPPERS:
        if all(name.startswith(wrapper) for name in named):
            named = {name.removeprefix(wrapper): tensor for name, tensor in named.items()}
    return named


SUFFIXES = (".pt", ".pth", ".cleanrl_model", ".ckpt", ".bin")
FORMAT = Format("PyTorch state dict", SUFFIXES, recognises, read)
