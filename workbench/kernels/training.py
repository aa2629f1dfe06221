"""Population training kernels: DQN and REINFORCE on Cart-Pole, one network at a time, no framework.

Weights, gradients and Adam's moments of a one-hidden-layer ELU network live in rows as wide as the hidden layer, padded
to 16: rows 0-3 hold the weights of the four inputs, row 4 the hidden biases, rows 5 and 6 the output weights, and two
numbers the output biases. Padded units have zero weights; their gradient is zero, so they stay zero.
"""

import numpy as np
from numba import njit

from workbench.kernels.cartpole import (
    ANGLE_LIMIT,
    CART_MASS,
    FORCE,
    GRAVITY,
    HALF_LENGTH,
    INPUTS,
    POLE_MASS,
    STEP,
    TRACK_LIMIT,
    accelerations,
    sine_cosine,
)
from workbench.kernels.lanes import FLAGS, INLINE, WIDTH, elu, exp_nonpositive
from workbench.physics import START_RANGE

_f4 = np.float32
BIAS, LEFT, RIGHT, ROWS = 4, 5, 6, 7
BETA_1, BETA_2, ADAM_EPSILON = _f4(0.9), _f4(0.999), _f4(1e-8)

# Only sums of products here, where reordering is what makes them fast.
_SUM = {**INLINE, "fastmath": True}


@njit(**INLINE)
def random_bits(state):
    """The next 64 random bits (splitmix64; Steele, Lea and Flood, 2014); `state` (1,) uint64 moves on."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(**INLINE)
def random_unit(state):
    """A float32 uniform on [0, 1)."""
    return _f4(random_bits(state) >> np.uint64(40)) * _f4(2.0**-24)


@njit(**INLINE)
def random_below(state, n):
    """An integer uniform on 0..n-1 (n < 2^31)."""
    return np.int64(((random_bits(state) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@njit(**FLAGS)
def initialise(params, biases, hidden, state):
    """torch's default for Linear: uniform within 1 / sqrt(fan in), weights and biases alike."""
    params[:] = 0.0
    outer = _f4(1.0 / np.sqrt(hidden))
    inner = _f4(1.0 / np.sqrt(INPUTS))
    for row in range(ROWS):
        bound = inner if row <= BIAS else outer
        for h in range(hidden):
            params[row, h] = bound * (_f4(2.0) * random_unit(state) - _f4(1.0))
    for a in range(2):
        biases[a] = outer * (_f4(2.0) * random_unit(state) - _f4(1.0))


@njit(**FLAGS)
def flatten(params, biases, hidden, flat):
    """Into torch's order: hidden weights (unit by unit), hidden biases, output weights, output biases."""
    for h in range(hidden):
        for k in range(INPUTS):
            flat[h * INPUTS + k] = params[k, h]
        flat[INPUTS * hidden + h] = params[BIAS, h]
        flat[(INPUTS + 1) * hidden + h] = params[LEFT, h]
        flat[(INPUTS + 2) * hidden + h] = params[RIGHT, h]
    flat[(INPUTS + 3) * hidden] = biases[0]
    flat[(INPUTS + 3) * hidden + 1] = biases[1]


@njit(**FLAGS)
def hidden_layer(params, x0, x1, x2, x3, out, width):
    """ELU activations (width,) of one state."""
    for h in range(width):
        out[h] = elu(
            x3 * params[3, h] + (x2 * params[2, h] + (x1 * params[1, h] + (x0 * params[0, h] + params[BIAS, h])))
        )


@njit(**_SUM)
def output(row, activations, width):
    """One output without its bias: the dot product of `row` and `activations`."""
    total = _f4(0.0)
    for h in range(width):
        total += row[h] * activations[h]
    return total


@njit(**FLAGS)
def accumulate(params, grads, bias_grads, x0, x1, x2, x3, activations, error_left, error_right, width):
    """Add one state's gradient, given the loss's derivatives by the two outputs."""
    bias_grads[0] += error_left
    bias_grads[1] += error_right
    for h in range(width):
        e = activations[h]
        # ELU's derivative is 1 above zero and exp(z) = e + 1 below.
        back = (error_left * params[LEFT, h] + error_right * params[RIGHT, h]) * (min(e, _f4(0.0)) + _f4(1.0))
        grads[0, h] += back * x0
        grads[1, h] += back * x1
        grads[2, h] += back * x2
        grads[3, h] += back * x3
        grads[BIAS, h] += back
        grads[LEFT, h] += error_left * e
        grads[RIGHT, h] += error_right * e


@njit(**FLAGS)
def adam(values, grads, first, second, scale, rate, correction_2):
    """One Adam step (Kingma and Ba, 2014) over flat arrays; gradients are multiplied by `scale` and then cleared.

    `rate` is the learning rate over (1 - beta_1^t), `correction_2` is 1 / sqrt(1 - beta_2^t), as torch has them.
    """
    for k in range(values.size):
        g = grads[k] * scale
        grads[k] = _f4(0.0)
        first[k] += (_f4(1.0) - BETA_1) * (g - first[k])
        second[k] = BETA_2 * second[k] + (_f4(1.0) - BETA_2) * g * g
        values[k] -= rate * first[k] / (np.sqrt(second[k]) * correction_2 + ADAM_EPSILON)


@njit(**FLAGS)
def reset(state, rng):
    """A start of Cart-Pole: four numbers uniform within .05."""
    for k in range(INPUTS):
        state[k] = START_RANGE * (2.0 * random_unit(rng) - 1.0)


@njit(**FLAGS)
def step(state, right, c):
    """One step of one pole, in place; True if it fell. Angles within the series' range (the standard limits)."""
    sine, cosine = sine_cosine(state[2])
    x_acc, theta_acc = accelerations(
        c[FORCE] if right else -c[FORCE],
        state[3],
        sine,
        cosine,
        c[GRAVITY],
        c[CART_MASS] + c[POLE_MASS],
        c[POLE_MASS] * c[HALF_LENGTH],
        c[HALF_LENGTH],
        c[POLE_MASS],
    )
    state[0] += c[STEP] * state[1]
    state[1] += c[STEP] * x_acc
    state[2] += c[STEP] * state[3]
    state[3] += c[STEP] * theta_acc
    return (abs(state[0]) > c[TRACK_LIMIT]) | (abs(state[2]) > c[ANGLE_LIMIT])


@njit(**FLAGS)
def width_of(hidden):
    """The padded width of a hidden layer."""
    return (hidden + WIDTH - 1) // WIDTH * WIDTH


@njit(cache=True, **FLAGS)
def train_dqn(seeds, hidden, updates, rates, gammas, batches, floors, periods, memory, cap, c, out):
    """Train DQNs (Mnih et al., 2015), each from its own seed, with its own hyperparameters.

    One Huber / Adam update for each environment step once a batch is there; epsilon falls linearly from 1 to its
    floor over the first half of the updates; an episode cut at the cap is not terminal.

    Args:
        seeds: (n,) uint64.
        hidden: units of the hidden layer.
        updates: (n,) int64, gradient updates.
        rates: (n,) float32, Adam's learning rate.
        gammas: (n,) float32, discount.
        batches: (n,) int64, samples of an update.
        floors: (n,) float32, the last epsilon.
        periods: (n,) int64, updates between copies to the target network.
        memory: transitions the replay holds.
        cap: steps of an episode at most.
        c: (9,) float64, physical constants.
        out: (n, p) float32, out: the trained weights in torch's order.
    """
    width = width_of(hidden)
    size = ROWS * width
    params, grads = np.zeros((ROWS, width), _f4), np.zeros((ROWS, width), _f4)
    first, second, target = np.zeros(size, _f4), np.zeros(size, _f4), np.zeros((ROWS, width), _f4)
    biases, bias_grads = np.zeros(WIDTH, _f4), np.zeros(WIDTH, _f4)
    bias_first, bias_second, bias_target = np.zeros(WIDTH, _f4), np.zeros(WIDTH, _f4), np.zeros(WIDTH, _f4)
    now, then = np.zeros(width, _f4), np.zeros(width, _f4)
    replay = np.zeros((memory, 10), _f4)
    rng = np.zeros(1, np.uint64)
    state = np.zeros(INPUTS)

    for network in range(len(seeds)):
        rng[0] = seeds[network]
        initialise(params, biases, hidden, rng)
        target[:] = params
        bias_target[:] = biases
        first[:], second[:], bias_first[:], bias_second[:] = 0.0, 0.0, 0.0, 0.0
        batch, gamma, floor = batches[network], gammas[network], floors[network]
        total = updates[network]
        anneal = max(total // 2, 1)
        done_updates = 0
        stored = 0
        age = 0
        power_1, power_2 = 1.0, 1.0
        reset(state, rng)
        while done_updates < total:
            x0, x1, x2, x3 = _f4(state[0]), _f4(state[1]), _f4(state[2]), _f4(state[3])
            epsilon = max(_f4(1.0) - (_f4(1.0) - floor) * _f4(done_updates) / _f4(anneal), floor)
            if random_unit(rng) < epsilon:
                right = random_unit(rng) < _f4(0.5)
            else:
                hidden_layer(params, x0, x1, x2, x3, now, width)
                right = output(params[RIGHT], now, width) + biases[1] > output(params[LEFT], now, width) + biases[0]
            fell = step(state, right, c)
            age += 1
            slot = replay[stored % memory]
            slot[0], slot[1], slot[2], slot[3] = x0, x1, x2, x3
            slot[4], slot[5], slot[6], slot[7] = _f4(state[0]), _f4(state[1]), _f4(state[2]), _f4(state[3])
            slot[8], slot[9] = _f4(right), _f4(fell)
            stored += 1
            if fell or age >= cap:
                reset(state, rng)
                age = 0
            if stored < batch:
                continue
            available = min(stored, memory)
            for _ in range(batch):
                t = replay[random_below(rng, available)]
                value = _f4(1.0)
                if t[9] == _f4(0.0):
                    hidden_layer(target, t[4], t[5], t[6], t[7], then, width)
                    best = max(
                        output(target[LEFT], then, width) + bias_target[0],
                        output(target[RIGHT], then, width) + bias_target[1],
                    )
                    value += gamma * best
                hidden_layer(params, t[0], t[1], t[2], t[3], now, width)
                if t[8] == _f4(0.0):
                    error = output(params[LEFT], now, width) + biases[0] - value
                    error = min(max(error, _f4(-1.0)), _f4(1.0))
                    accumulate(params, grads, bias_grads, t[0], t[1], t[2], t[3], now, error, _f4(0.0), width)
                else:
                    error = output(params[RIGHT], now, width) + biases[1] - value
                    error = min(max(error, _f4(-1.0)), _f4(1.0))
                    accumulate(params, grads, bias_grads, t[0], t[1], t[2], t[3], now, _f4(0.0), error, width)
            done_updates += 1
            power_1 *= 0.9
            power_2 *= 0.999
            rate = _f4(rates[network] / (1.0 - power_1))
            correction = _f4(1.0 / np.sqrt(1.0 - power_2))
            scale = _f4(1.0 / batch)
            adam(params.reshape(size), grads.reshape(size), first, second, scale, rate, correction)
            adam(biases, bias_grads, bias_first, bias_second, scale, rate, correction)
            if done_updates % periods[network] == 0:
                target[:] = params
                bias_target[:] = biases
        flatten(params, biases, hidden, out[network])


@njit(cache=True, **FLAGS)
def train_reinforce(seeds, hidden, episodes, rates, gammas, cap, c, out):
    """Train policies by REINFORCE (Williams, 1992) with softmax actions, one Adam update an episode.

    The discounted returns of an episode are standardised (mean 0, deviation 1) before they weight the gradient of the
    log-probabilities, averaged over the episode's steps.

    Args:
        seeds: (n,) uint64.
        hidden: units of the hidden layer.
        episodes: (n,) int64, episodes and hence updates.
        rates: (n,) float32, Adam's learning rate.
        gammas: (n,) float32, discount.
        cap: steps of an episode at most.
        c: (9,) float64, physical constants.
        out: (n, p) float32, out: the trained weights in torch's order.
    """
    width = width_of(hidden)
    size = ROWS * width
    params, grads = np.zeros((ROWS, width), _f4), np.zeros((ROWS, width), _f4)
    first, second = np.zeros(size, _f4), np.zeros(size, _f4)
    biases, bias_grads = np.zeros(WIDTH, _f4), np.zeros(WIDTH, _f4)
    bias_first, bias_second = np.zeros(WIDTH, _f4), np.zeros(WIDTH, _f4)
    visited = np.zeros((cap, INPUTS), _f4)
    activations = np.zeros((cap, width), _f4)
    errors = np.zeros(cap, _f4)
    returns = np.zeros(cap)
    rng = np.zeros(1, np.uint64)
    state = np.zeros(INPUTS)

    for network in range(len(seeds)):
        rng[0] = seeds[network]
        initialise(params, biases, hidden, rng)
        first[:], second[:], bias_first[:], bias_second[:] = 0.0, 0.0, 0.0, 0.0
        power_1, power_2 = 1.0, 1.0
        for _ in range(episodes[network]):
            reset(state, rng)
            length = 0
            fell = False
            while not fell and length < cap:
                for k in range(INPUTS):
                    visited[length, k] = _f4(state[k])
                v = visited[length]
                now = activations[length]
                hidden_layer(params, v[0], v[1], v[2], v[3], now, width)
                margin = (output(params[RIGHT], now, width) + biases[1]) - (
                    output(params[LEFT], now, width) + biases[0]
                )
                e = exp_nonpositive(-abs(margin))
                chance = (_f4(1.0) if margin >= _f4(0.0) else e) / (_f4(1.0) + e)
                right = random_unit(rng) < chance
                # The derivative of -log pi(a | s) by the right output; by the left one it is the opposite.
                errors[length] = chance - (_f4(1.0) if right else _f4(0.0))
                fell = step(state, right, c)
                length += 1
            mean, square, running = 0.0, 0.0, 0.0
            for t in range(length - 1, -1, -1):
                running = 1.0 + gammas[network] * running
                returns[t] = running
                mean += running
            mean /= length
            for t in range(length):
                square += (returns[t] - mean) ** 2
            deviation = np.sqrt(square / length) + 1e-8
            for t in range(length):
                error = errors[t] * _f4((returns[t] - mean) / deviation)
                v = visited[t]
                accumulate(params, grads, bias_grads, v[0], v[1], v[2], v[3], activations[t], -error, error, width)
            power_1 *= 0.9
            power_2 *= 0.999
            rate = _f4(rates[network] / (1.0 - power_1))
            correction = _f4(1.0 / np.sqrt(1.0 - power_2))
            scale = _f4(1.0 / length)
            adam(params.reshape(size), grads.reshape(size), first, second, scale, rate, correction)
            adam(biases, bias_grads, bias_first, bias_second, scale, rate, correction)
        flatten(params, biases, hidden, out[network])
