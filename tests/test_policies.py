"""Specs, flat weights and the batched forward pass against torch's own modules."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import torch_outputs, torch_policy

import workbench
from workbench.errors import WorkbenchError
from workbench.policies import (
    ACTIVATIONS,
    Normaliser,
    PolicySpec,
    activate,
    activations,
    flatten,
    forward,
    initial,
    layers,
)
from workbench.rollouts import reference

NORMALISER = Normaliser((0.1, -0.2, 0.3, 0.0), (0.5, 2.0, 0.1, 1.0), 1.2)

specs = st.builds(
    PolicySpec,
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4).map(lambda hidden: (4, *hidden)),
    activation=st.sampled_from(ACTIVATIONS),
    bias=st.booleans(),
    action=st.sampled_from(["greedy", "sampled"]),
    normaliser=st.sampled_from([None, NORMALISER, Normaliser((0.0,) * 4, (1.0,) * 4)]),
    env=st.sampled_from(["CartPole-v1", "Acrobot-v1"]),
    env_kwargs=st.sampled_from([(), (("gravity", 3.5), ("length", 1))]),
)


@given(specs)
def test_json_round_trip(spec):
    import json

    assert PolicySpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@given(specs, st.integers(0, 2**32 - 1))
def test_outputs_equal_torch(spec, seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 1, (3, spec.parameters)).astype(np.float32)
    observations = rng.normal(0, 1, (5, 4)).astype(np.float32)
    ours = forward(weights, spec, observations)
    assert ours.shape == (3, 5, spec.sizes[-1])
    assert ours.dtype == np.float32
    for flat, outputs in zip(weights, ours, strict=True):
        np.testing.assert_allclose(outputs, torch_outputs(torch_policy(flat, spec), spec, observations), atol=2e-4)
    batched = reference.outputs(torch.tensor(weights), spec, torch.tensor(observations).expand(3, 5, 4)).numpy()
    np.testing.assert_allclose(ours, batched, atol=2e-4)


@given(specs)
def test_the_flat_order_is_torchs(spec):
    modules = [torch.nn.Linear(a, b, bias=spec.bias) for a, b in pairwise(spec.sizes)]
    net = torch.nn.Sequential(*modules)
    flat = torch.nn.utils.parameters_to_vector(net.parameters()).detach().numpy()
    assert spec.parameters == len(flat)
    parts = layers(flat, spec)
    for (matrix, bias), module in zip(parts, modules, strict=True):
        assert np.array_equal(matrix, module.weight.detach().numpy())
        assert (bias is None) == (not spec.bias)
        if bias is not None:
            assert np.array_equal(bias, module.bias.detach().numpy())
    assert np.array_equal(flatten(parts), flat)


@given(specs, st.integers(0, 2**32 - 1))
def test_every_layer_is_torchs(spec, seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 1, (2, spec.parameters)).astype(np.float32)
    observations = rng.normal(0, 1, (5, 4)).astype(np.float32)
    found = activations(weights, spec, observations)
    assert [layer.shape for layer in found] == [(2, 5, size) for size in spec.sizes[1:]]
    assert {layer.dtype for layer in found} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(found[-1], forward(weights, spec, observations))
    for k, flat in enumerate(weights):
        net = torch_policy(flat, spec)
        for depth, layer in enumerate(found):
            # Linear layers and activations take turns; the outputs are the last linear layer.
            part = net[: 2 * depth + 2]
            np.testing.assert_allclose(layer[k], torch_outputs(part, spec, observations), atol=2e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_new_networks_stay_within_torchs_bounds(bias):
    spec = PolicySpec((4, 9, 16, 2), bias=bias)
    weights = initial(spec, 300, 5)
    assert (weights.shape, weights.dtype) == ((300, spec.parameters), np.float32)
    for (matrix, biases), inputs in zip(layers(weights, spec), spec.sizes, strict=False):
        for part in (matrix, biases):
            if part is not None:
                assert np.abs(part).max() == pytest.approx(inputs**-0.5, rel=0.01)
                assert abs(part.mean()) < 0.05 * inputs**-0.5
    assert np.array_equal(initial(spec, 300, 5), weights)
    assert (initial(spec, 300, 6) == weights).mean() < 0.001


def test_layers_of_a_batch_are_views():
    spec = PolicySpec((3, 5, 2))
    weights = np.arange(4 * spec.parameters, dtype=np.float32).reshape(4, -1)
    parts = layers(weights, spec)
    assert [m.shape for m, _ in parts] == [(4, 5, 3), (4, 2, 5)]
    assert np.array_equal(flatten(parts), weights)
    parts[0][0][1, 0, 0] = -7
    assert weights[1, 0] == -7


def test_each_network_may_have_its_own_observations(rng):
    spec = PolicySpec((4, 3, 2), "tanh")
    weights = rng.normal(0, 1, (3, spec.parameters)).astype(np.float32)
    own = rng.normal(0, 1, (3, 6, 4)).astype(np.float32)
    together = forward(weights, spec, own)
    for k in range(3):
        np.testing.assert_allclose(together[k], forward(weights[k : k + 1], spec, own[k])[0], atol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_equal_torch(name):
    z = np.linspace(-30, 30, 1001)
    theirs = {
        "identity": lambda t: t,
        "elu": torch.nn.functional.elu,
        "relu": torch.relu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
    }[name](torch.tensor(z)).numpy()
    np.testing.assert_allclose(activate(name, z), theirs, atol=1e-12)


def test_cartpole_net_is_the_papers():
    spec = PolicySpec.cartpole()
    assert spec.sizes == (4, 30, 2)
    assert spec.parameters == 212
    assert (spec.activation, spec.action, spec.env) == ("elu", "greedy", "CartPole-v1")
    assert spec.label == "4-30-2 elu"
    assert PolicySpec((4, 2)).label == "4-2"


def test_environment_arguments_are_merged():
    spec = PolicySpec((4, 2)).with_env(length=0.7, gravity=1.0).with_env(gravity=2.0)
    assert spec.env_kwargs == (("gravity", 2.0), ("length", 0.7))


def test_the_normaliser_is_that_of_the_formula():
    spec = PolicySpec((4, 2), normaliser=NORMALISER)
    o = np.array([[0.3, 5.0, 0.3, -9.0]])
    expected = np.clip((o - NORMALISER.mean) / NORMALISER.scale, -1.2, 1.2)
    rows = np.eye(2, 4, dtype=np.float32)
    weights = flatten([(rows, np.zeros(2, np.float32))])[None]
    np.testing.assert_allclose(forward(weights, spec, o)[0, 0], expected[0, :2], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": (4,)}, r"layer sizes must be two or more positive integers, not \(4,\)"),
        ({"sizes": (4, 0, 2)}, r"not \(4, 0, 2\)"),
        ({"sizes": (4, 2.5)}, r"not \(4, 2.5\)"),
        ({"sizes": (4, "2")}, r"not \(4, '2'\)"),
        ({"sizes": (4, 2), "activation": "gelu"}, "activation must be one of identity, elu, relu, .* not 'gelu'"),
        ({"sizes": (4, 2), "action": "best"}, "action rule must be greedy or sampled, not 'best'"),
        ({"sizes": (3, 2), "normaliser": NORMALISER}, "the normaliser has 4 entries, the observation 3"),
    ],
)
def test_specs_that_cannot_be_are_told(arguments, message):
    with pytest.raises(WorkbenchError, match=message):
        PolicySpec(**arguments)


@pytest.mark.parametrize(
    ("mean", "scale", "clip", "message"),
    [
        ((0.0, 1.0), (1.0,), 5, "must be of one length, not 2 and 1"),
        ((math.nan,), (1.0,), 5, "means must be finite"),
        ((0.0,), (0.0,), 5, "scales finite and above 0"),
        ((0.0,), (math.inf,), 5, "scales finite and above 0"),
        ((0.0,), (1.0,), 0, "clip must be above 0, not 0"),
        ((0.0,), (1.0,), math.nan, "clip must be above 0, not nan"),
    ],
)
def test_normalisers_that_cannot_be_are_told(mean, scale, clip, message):
    with pytest.raises(WorkbenchError, match=message):
        Normaliser(mean, scale, clip)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "expected an object of fields, got NoneType"),
        ([4, 2], "expected an object of fields, got list"),
        ({"sizes": [4, 2], "activation": "elu", "depth": 2, "colour": 1}, "unknown fields colour, depth"),
        ({"activation": "elu"}, "cannot read its fields .*sizes"),
        ({"sizes": [4, 2]}, "cannot read its fields .*activation"),
        ({"sizes": 4, "activation": "elu"}, "cannot read its fields"),
        ({"sizes": [4, 2], "activation": "elu", "normaliser": {"mean": ["x"], "scale": [1]}}, "cannot read its fields"),
        ({"sizes": [4, 2], "activation": "elu", "env_kwargs": 7}, "cannot read its fields"),
        ({"sizes": [4, 2], "activation": ["elu"]}, "activation must be one of"),
    ],
)
def test_fields_that_cannot_be_read_are_told(data, message):
    with pytest.raises(WorkbenchError, match=message):
        PolicySpec.from_json(data)


def test_weights_of_another_length_are_told():
    with pytest.raises(WorkbenchError, match="4-30-2 elu has 212 weights, these have 210"):
        workbench.forward(np.zeros((1, 210), np.float32), PolicySpec.cartpole(), np.zeros((1, 4)))
