"""Policies of one hidden layer that are the same but for the order of their hidden units, or for left and right.

The order of the hidden units never matters; those permutations are divided out exactly. What single activations allow
beyond them (a tanh unit negated, a ReLU unit scaled) is not; an ELU unit has neither.
"""

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics.matching import chunks, minimum_cost
from workbench.physics import is_cartpole
from workbench.policies import PolicySpec, flatten, layers

LARGEST = 1e140
"""Size up to which weights can be squared and added up in float64."""


def _check(weights: NDArray, spec: PolicySpec) -> None:
    if len(spec.sizes) != 3:
        raise WorkbenchError(
            f"symmetry: hidden units are matched in policies of exactly one hidden layer; {spec.label} has "
            f"{len(spec.sizes) - 2}"
        )
    if weights.ndim != 2 or weights.shape[1] != spec.parameters:
        raise WorkbenchError(
            f"symmetry: expected weights of shape (n, {spec.parameters}) for {spec.label}, got {tuple(weights.shape)}"
        )


def units(weights: NDArray, spec: PolicySpec) -> tuple[NDArray, NDArray]:
    """Networks as sets of hidden units.

    Args:
        weights: (n, p).
        spec: the policy, of one hidden layer of h units.

    Returns:
        For each unit its incoming weights, bias (where the spec has biases) and outgoing weights, (n, h, in + 1 + out);
        and the biases of the outputs, (n, out), or (n, 0) where the spec has none.

    Raises:
        WorkbenchError: not one hidden layer, or weights that do not fit the spec.
    """
    _check(weights, spec)
    (incoming, bias), (outgoing, output_bias) = layers(weights, spec)
    parts = [incoming, *(() if bias is None else (bias[:, :, None],)), outgoing.swapaxes(1, 2)]
    return np.concatenate(parts, axis=2), weights[:, :0] if output_bias is None else output_bias.copy()


def from_units(tokens: NDArray, output_bias: NDArray, spec: PolicySpec) -> NDArray:
    """The inverse of `units`: flat weights (n, p).

    Raises:
        WorkbenchError: not one hidden layer, or tokens that do not fit the spec.
    """
    _check(np.zeros((0, spec.parameters)), spec)
    n_in, h, out = spec.sizes
    shapes = (h, n_in + spec.bias + out), (out * spec.bias,)
    if (tokens.shape[1:], output_bias.shape[1:]) != shapes or len(tokens) != len(output_bias):
        raise WorkbenchError(
            f"symmetry: {spec.label} takes tokens (n, {shapes[0][0]}, {shapes[0][1]}) and output biases "
            f"(n, {shapes[1][0]}), not {tuple(tokens.shape)} and {tuple(output_bias.shape)}"
        )
    incoming, outgoing = tokens[:, :, :n_in], tokens[:, :, -out:].swapaxes(1, 2)
    if not spec.bias:
        return flatten([(incoming, None), (outgoing, None)])
    return flatten([(incoming, tokens[:, :, n_in]), (outgoing, output_bias)])


def permute(weights: NDArray, spec: PolicySpec, order: NDArray[np.integer]) -> NDArray:
    """The same networks with unit `order[j]` in place j.

    Args:
        weights: (n, p).
        spec: the policy, of one hidden layer of h units.
        order: (n, h), or (h,) for all networks.

    Raises:
        WorkbenchError: as `units`, or an order that is no permutation.
    """
    tokens, output_bias = units(weights, spec)
    n, h = tokens.shape[:2]
    order = np.asarray(order)
    shaped = order.dtype.kind in "iu" and order.shape in ((h,), (n, h))
    if not shaped or not (np.sort(order, axis=-1) == np.arange(h)).all():
        raise WorkbenchError(f"symmetry: expected permutations of {h} units, of shape ({h},) or ({n}, {h})")
    return from_units(tokens[np.arange(n)[:, None], np.broadcast_to(order, (n, h))], output_bias, spec)


def has_mirror(spec: PolicySpec) -> bool:
    """Whether `mirror` can be had: Cart-Pole, one hidden layer, no normaliser with a mean other than 0."""
    return is_cartpole(spec) and len(spec.sizes) == 3 and not (spec.normaliser and any(spec.normaliser.mean))


def mirror(weights: NDArray, spec: PolicySpec) -> NDArray:
    """Cart-Pole policies seen in a mirror: in state -s the image goes right where the policy goes left in s.

    The first layer's matrix is negated, its biases are kept, and the outputs change places; floating point does this
    exactly. Equal outputs are the exception: they are a push to the left in both.

    Args:
        weights: (n, p).
        spec: the policy, of one hidden layer.

    Raises:
        WorkbenchError: as `units`, not Cart-Pole with two outputs, or a normaliser whose mean is not 0.
    """
    _check(weights, spec)
    if not is_cartpole(spec):
        raise WorkbenchError(
            f"symmetry: mirror images are defined for Cart-Pole policies with two outputs, not for {spec.label} in "
            f"{spec.env}"
        )
    if not has_mirror(spec):
        raise WorkbenchError("symmetry: a policy has a mirror image only where its normaliser's means are all 0")
    (incoming, bias), (outgoing, output_bias) = layers(weights, spec)
    swapped = None if output_bias is None else output_bias[:, ::-1]
    return flatten([(-incoming, bias), (outgoing[:, ::-1], swapped)])


def matched_distance(a: NDArray, b: NDArray, spec: PolicySpec, compute: Compute | None = None) -> NDArray[np.float64]:
    """Euclidean distance of weights (m, p) and (m, p), row by row, with their hidden units in the order closest: (m,).

    Raises:
        WorkbenchError: as `units`, numbers of rows that differ, or weights that are not finite.
    """
    if len(a) != len(b):
        raise WorkbenchError(f"symmetry: expected as many networks on both sides, got {len(a)} and {len(b)}")
    return paired_distance(a, b, np.arange(len(a))[:, None].repeat(2, axis=1), spec, compute)


def align(a: NDArray, b: NDArray, spec: PolicySpec, compute: Compute | None = None) -> NDArray:
    """Networks b (n, p) with their hidden units in the order closest to those of networks a (n, p), row by row.

    What they compute stays the same. Aligned so, networks can be averaged weight by weight (Ainsworth et al., *Git
    Re-Basin*, 2022, weight matching).

    Raises:
        WorkbenchError: as `matched_distance`.
    """
    if len(a) != len(b):
        raise WorkbenchError(f"symmetry: expected as many networks on both sides, got {len(a)} and {len(b)}")
    left, right = _Table(a, spec).tokens, _Table(b, spec).tokens
    # |x - y|^2 less what no order changes.
    costs = -left @ right.swapaxes(1, 2)
    return permute(b, spec, minimum_cost(costs, compute)[0])


def paired_distance(
    a: NDArray,
    b: NDArray,
    pairs: NDArray[np.integer],
    spec: PolicySpec,
    compute: Compute | None = None,
    mirrored: bool = False,
) -> NDArray[np.float64]:
    """`matched_distance` of chosen pairs.

    Args:
        a: weights (n, p).
        b: weights (l, p).
        pairs: (m, 2), rows of `a` and of `b`.
        spec: the policy, of one hidden layer.
        compute: threads.
        mirrored: whether to take the distance to the mirror image of `b` where that is the smaller.

    Returns:
        (m,).

    Raises:
        WorkbenchError: as `matched_distance` and `mirror`, or pairs of rows that are not there.
    """
    left, right, pairs, compute = _Table(a, spec), _Table(b, spec), np.asarray(pairs), compute or Compute()
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise WorkbenchError(f"symmetry: expected pairs (m, 2) of rows, got {pairs.dtype} of shape {pairs.shape}")
    if len(pairs) and (pairs.min() < 0 or (pairs.max(axis=0) >= (len(a), len(b))).any()):
        raise WorkbenchError(f"symmetry: pairs name rows beyond the {len(a)} and {len(b)} networks there are")
    rows: NDArray[np.int64] = np.require(pairs, np.int64, ["C", "W"])
    squares = left.squares(right, rows, compute)
    if mirrored:
        squares = np.minimum(squares, left.squares(_Table(mirror(b, spec), spec), rows, compute))
    return np.sqrt(squares)


class _Table:
    """Networks taken apart for the kernel."""

    def __init__(self, weights: NDArray, spec: PolicySpec) -> None:
        tokens, output_bias = units(np.asarray(weights, np.float64), spec)
        self.tokens, self.output_bias = np.ascontiguousarray(tokens), output_bias
        usable = (abs(tokens) <= LARGEST).all(axis=(1, 2)) & (abs(output_bias) <= LARGEST).all(axis=1)
        if not usable.all():
            raise WorkbenchError(f"symmetry: the weights of network {np.argmin(usable)} are not all finite")

    def squares(self, other: "_Table", pairs: NDArray[np.int64], compute: Compute) -> NDArray[np.float64]:
        """Squared matched distances of pairs (m, 2) of rows here and there, (m,)."""
        from workbench.kernels.assignment import match

        totals = np.zeros(len(pairs))
        pieces = chunks(len(pairs), self.tokens.shape[1])
        for _ in compute.map(lambda part: match(self.tokens, other.tokens, pairs[part], totals[part]), pieces):
            pass
        return totals + ((self.output_bias[pairs[:, 0]] - other.output_bias[pairs[:, 1]]) ** 2).sum(axis=1)
