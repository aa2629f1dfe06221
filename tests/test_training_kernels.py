"""The trainers' arithmetic against torch: one batch, one gradient, several Adam steps."""

import numpy as np
import pytest
import torch

from workbench.kernels import training as k
from workbench.policies import PolicySpec, flatten, layers

HIDDEN = 30


@pytest.fixture
def network():
    width = k.width_of(HIDDEN)
    params, biases = np.zeros((k.ROWS, width), np.float32), np.zeros(16, np.float32)
    k.initialise(params, biases, HIDDEN, np.array([11], np.uint64))
    return params, biases


def to_torch(params, biases):
    flat = np.zeros(PolicySpec.cartpole(HIDDEN).parameters, np.float32)
    k.flatten(params, biases, HIDDEN, flat)
    net = torch.nn.Sequential(torch.nn.Linear(4, HIDDEN), torch.nn.ELU(), torch.nn.Linear(HIDDEN, 2))
    torch.nn.utils.vector_to_parameters(torch.tensor(flat), net.parameters())
    return net


def vector(net):
    return torch.nn.utils.parameters_to_vector(net.parameters()).detach().numpy()


def test_initial_weights_fill_the_range_of_torch_linear(network):
    flat = vector(to_torch(*network))
    (w1, b1), (w2, b2) = layers(flat, PolicySpec.cartpole(HIDDEN))
    assert np.abs(w1).max() <= 0.5
    assert np.abs(w1).max() > 0.45
    assert np.abs(b1).max() <= 0.5
    assert max(np.abs(w2).max(), np.abs(b2).max()) <= 1 / np.sqrt(HIDDEN)
    assert np.array_equal(flatten([(w1, b1), (w2, b2)]), flat)


def test_huber_gradients_and_adam_steps_equal_torch(network):
    params, biases = network
    width = params.shape[1]
    net = to_torch(params, biases)
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    rng = np.random.default_rng(0)
    grads, bias_grads = np.zeros_like(params), np.zeros_like(biases)
    first, second = np.zeros(params.size, np.float32), np.zeros(params.size, np.float32)
    bias_first, bias_second = np.zeros_like(biases), np.zeros_like(biases)
    now = np.zeros(width, np.float32)
    for t in range(1, 6):
        states = rng.normal(size=(32, 4)).astype(np.float32)
        actions = rng.integers(0, 2, 32)
        values = rng.normal(size=32).astype(np.float32) * 3
        q = net(torch.tensor(states))[torch.arange(32), torch.tensor(actions)]
        optimiser.zero_grad()
        torch.nn.functional.huber_loss(q, torch.tensor(values)).backward()
        optimiser.step()
        for s, a, v in zip(states, actions, values, strict=True):
            k.hidden_layer(params, *s, now, width)
            row = k.RIGHT if a else k.LEFT
            error = np.float32(np.clip(k.output(params[row], now, width) + biases[a] - v, -1, 1))
            zero = np.float32(0)
            k.accumulate(params, grads, bias_grads, *s, now, zero if a else error, error if a else zero, width)
        rate = np.float32(5e-3 / (1 - 0.9**t))
        correction = np.float32(1 / np.sqrt(1 - 0.999**t))
        scale = np.float32(1 / 32)
        k.adam(params.reshape(-1), grads.reshape(-1), first, second, scale, rate, correction)
        k.adam(biases, bias_grads, bias_first, bias_second, scale, rate, correction)
        assert not grads.any(), "gradients are cleared by the step"
        np.testing.assert_allclose(vector(to_torch(params, biases)), vector(net), atol=2e-6)
    assert not params[:, HIDDEN:].any(), "padding stays zero"


def test_policy_gradient_equals_torch(network):
    params, biases = network
    width = params.shape[1]
    net = to_torch(params, biases)
    rng = np.random.default_rng(1)
    states = rng.normal(size=(50, 4)).astype(np.float32)
    actions, advantages = rng.integers(0, 2, 50), rng.normal(size=50).astype(np.float32)
    log_p = torch.log_softmax(net(torch.tensor(states)), -1)[torch.arange(50), torch.tensor(actions)]
    (-(log_p * torch.tensor(advantages)).mean()).backward()
    expected = torch.cat([p.grad.reshape(-1) for p in net.parameters()]).numpy()
    grads, bias_grads = np.zeros_like(params), np.zeros_like(biases)
    now = np.zeros(width, np.float32)
    for s, a, g in zip(states, actions, advantages, strict=True):
        k.hidden_layer(params, *s, now, width)
        margin = k.output(params[k.RIGHT], now, width) + biases[1] - k.output(params[k.LEFT], now, width) - biases[0]
        error = np.float32((1 / (1 + np.exp(-margin)) - a) * g)
        k.accumulate(params, grads, bias_grads, *s, now, -error, error, width)
    actual = np.zeros_like(expected)
    k.flatten(grads / np.float32(50), bias_grads / np.float32(50), HIDDEN, actual)
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_random_numbers_are_splitmix64():
    # The first outputs for seed 1234567 in the reference implementation (Vigna).
    state = np.array([1234567], np.uint64)
    assert [int(k.random_bits(state)) for _ in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_random_integers_cover_their_range_evenly():
    state = np.array([5], np.uint64)
    counts = np.bincount([k.random_below(state, 7) for _ in range(14_000)], minlength=7)
    assert len(counts) == 7
    assert abs(counts - 2000).max() < 5 * np.sqrt(2000)
