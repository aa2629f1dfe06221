"""Cart-Pole: the physics, and rollouts of whole populations.

One network at a time, 64 episodes in step; a finished episode's lane takes the next one from the queue, and when the
queue is empty the live lanes are kept packed at the front. Physics in float64 and networks in float32, as Gymnasium
with torch has them: float32 physics would change the length of 5 % of the episodes. A network's results depend on
nothing but the network, the episodes and the constants, so any split over calls or threads gives the same bits.
"""

import numpy as np
from numba import njit

from workbench.kernels.lanes import ELU, FLAGS, INLINE, WIDTH, activate, dense, elu_layer_projected, is_finite, project

LANES = 64
INPUTS = 4

# Positions in the array of physical constants.
GRAVITY, CART_MASS, POLE_MASS, HALF_LENGTH, FORCE, STEP, ANGLE_LIMIT, TRACK_LIMIT, SEMI_IMPLICIT = range(9)

SMOOTHING = 0.2
"""Weight of the newest push in the running mean that sharpness is read from: a memory of 5 steps, .1 s."""

NEVER = np.float32(-1e30)
"""A margin below every threshold."""

POLYNOMIAL_LIMIT = 0.5
"""Up to this angle (rad) the series for sine and cosine are exact to float64; wider tracks use the library's."""


@njit(**INLINE)
def accelerations(force, theta_dot, sine, cosine, gravity, total, pole_moment, half_length, pole_mass):
    """Cart and pole accelerations (m/s^2, rad/s^2): the equations of Gymnasium's CartPoleEnv (Florian, 2007)."""
    push = (force + pole_moment * (theta_dot * theta_dot) * sine) / total
    theta_acc = (gravity * sine - cosine * push) / (half_length * (4.0 / 3.0 - pole_mass * (cosine * cosine) / total))
    return push - pole_moment * theta_acc * cosine / total, theta_acc


@njit(**INLINE)
def sine_cosine(theta):
    """sin and cos of |theta| <= .5 rad by their series."""
    q = theta * theta
    sine = theta * (
        1.0
        + q * (-1 / 6 + q * (1 / 120 + q * (-1 / 5040 + q * (1 / 362880 + q * (-1 / 39916800 + q * (1 / 6227020800))))))
    )
    cosine = 1.0 + q * (
        -0.5 + q * (1 / 24 + q * (-1 / 720 + q * (1 / 40320 + q * (-1 / 3628800 + q * (1 / 479001600)))))
    )
    return sine, cosine


@njit(**FLAGS)
def advance(state, angle, margin, threshold, age, done, cap, c, lanes):
    """One step of every lane, in place: state (4, lanes) float64. Returns how many lanes ended.

    A lane pushes right where `margin > threshold`; it ends beyond the angle or track limit, or at `cap` steps.
    """
    tau, angle_limit, track_limit, force = c[STEP], c[ANGLE_LIMIT], c[TRACK_LIMIT], c[FORCE]
    gravity, half_length, pole_mass = c[GRAVITY], c[HALF_LENGTH], c[POLE_MASS]
    total = c[CART_MASS] + pole_mass
    pole_moment = pole_mass * half_length
    semi_implicit = c[SEMI_IMPLICIT] != 0.0
    if angle_limit <= POLYNOMIAL_LIMIT:
        for lane in range(lanes):
            angle[0, lane], angle[1, lane] = sine_cosine(state[2, lane])
    else:
        for lane in range(lanes):
            angle[0, lane], angle[1, lane] = np.sin(state[2, lane]), np.cos(state[2, lane])
    ended = 0
    for lane in range(lanes):
        x, x_dot, theta, theta_dot = state[0, lane], state[1, lane], state[2, lane], state[3, lane]
        sine, cosine = angle[0, lane], angle[1, lane]
        x_acc, theta_acc = accelerations(
            force if margin[lane] > threshold[lane] else -force,
            theta_dot,
            sine,
            cosine,
            gravity,
            total,
            pole_moment,
            half_length,
            pole_mass,
        )
        new_x_dot = x_dot + tau * x_acc
        new_theta_dot = theta_dot + tau * theta_acc
        x += tau * (new_x_dot if semi_implicit else x_dot)
        theta += tau * (new_theta_dot if semi_implicit else theta_dot)
        state[0, lane], state[1, lane], state[2, lane], state[3, lane] = x, new_x_dot, theta, new_theta_dot
        age[lane] += 1
        over = (abs(x) > track_limit) | (abs(theta) > angle_limit) | (age[lane] >= cap)
        done[lane] = over
        ended += over
    return ended


@njit(**INLINE)
def _rows(sizes, k):
    """Rows kept for layer k, padded for its reader: `project` takes six at a time, `dense` reads four, writes three."""
    multiple = 6 if k == len(sizes) - 2 else (4 if k == 0 else 12)
    return (sizes[k] + multiple - 1) // multiple * multiple


@njit(**FLAGS)
def packed_size(sizes):
    """Length of the packed weights of one network of layer sizes `sizes`."""
    last = len(sizes) - 2
    total = _rows(sizes, last) + 1
    for k in range(last):
        total += (_rows(sizes, k) + 1) * _rows(sizes, k + 1)
    return total


@njit(**FLAGS)
def pack(flat, sizes, bias, packed):
    """Spread a flat weight vector (torch's order) over rows padded for `dense` and `project`.

    The two outputs become one row, right minus left: only the sign of the difference is ever used. A network with a
    weight that is not finite is packed as one that always pushes left: what argmax of NaN outputs does in torch.
    """
    packed[:] = 0.0
    for k in range(len(flat)):
        if not is_finite(flat[k]):
            packed[len(packed) - 1] = NEVER
            return
    source = 0
    at = 0
    last = len(sizes) - 2
    for k in range(last):
        n_in, n_out = sizes[k], sizes[k + 1]
        stride = _rows(sizes, k) + 1
        for j in range(n_out):
            for i in range(n_in):
                packed[at + j * stride + i] = flat[source + j * n_in + i]
        source += n_in * n_out
        if bias:
            for j in range(n_out):
                packed[at + j * stride + stride - 1] = flat[source + j]
            source += n_out
        at += stride * _rows(sizes, k + 1)
    n_in = sizes[last]
    for i in range(n_in):
        packed[at + i] = flat[source + n_in + i] - flat[source + i]
    if bias:
        packed[at + _rows(sizes, last)] = flat[source + 2 * n_in + 1] - flat[source + 2 * n_in]


@njit(**INLINE)
def decide(packed, sizes, activation, observation, hidden, spare, margin, lanes):
    """Right output minus left output of every lane, into `margin` (lanes,) float32."""
    at = 0
    last = len(sizes) - 2
    if last == 0:
        project(packed, 0, _rows(sizes, 0), observation, margin, lanes)
        return
    n_out = _rows(sizes, 1)
    if last == 1 and activation == ELU:
        elu_layer_projected(packed, n_out, observation, margin, lanes)
        return
    dense(packed, 0, INPUTS, n_out, observation, hidden, lanes)
    activate(hidden, n_out, activation, lanes)
    at += (INPUTS + 1) * n_out
    for k in range(1, last):
        n_in, n_out = n_out, _rows(sizes, k + 1)
        dense(packed, at, n_in, n_out, hidden, spare, lanes)
        activate(spare, n_out, activation, lanes)
        at += (n_in + 1) * n_out
        hidden, spare = spare, hidden
    project(packed, at, n_out, hidden, margin, lanes)


@njit(**FLAGS)
def observe(state, centre, scale, clip, observation, lanes):
    """What the network sees: the state in float32, through the observation normaliser."""
    for k in range(INPUTS):
        middle, factor = centre[k], scale[k]
        for lane in range(lanes):
            value = (np.float32(state[k, lane]) - middle) * factor
            observation[k, lane] = min(max(value, -clip), clip)


@njit(**INLINE)
def _start(lane, episode, starts, cap, noise, noisy, state, age, threshold, push):
    for k in range(INPUTS):
        state[k, lane] = starts[episode, k]
    age[lane] = 0
    push[lane] = np.float32(0.0)
    if noisy:
        threshold[lane] = noise[episode, 0]


@njit(cache=True, **FLAGS)
def rollout(
    weights, sizes, bias, activation, centre, scale, clip, starts, noise, cap, c, steps, moments, states, actions
):
    """Play every episode with every network.

    Args:
        weights: (n, p) float32, torch's order.
        sizes: (layers + 1,) int64, from 4 to 2.
        bias: whether layers have biases.
        activation: one of `lanes.CODES`.
        centre, scale, clip: the observation normaliser, (4,) float32 twice and a float32.
        starts: (episodes, 4) float64, states at step 0.
        noise: (episodes, cap) float32, thresholds on the margin (logits of uniform numbers) for sampled actions;
            (0, 0) for greedy ones, whose threshold is 0.
        cap: steps after which an episode ends.
        c: (9,) float64, physical constants.
        steps: out, (n, episodes) int32.
        moments: out, (n, 3) float64, means over all steps of cart position (m), pole angle (rad) and the absolute
            smoothed push (1 always the same way, 0 alternating); (0, 3) not to measure them.
        states: out, (n, episodes, cap, 4) float64, the state before each action; (0, 0, 0, 4) not to record.
        actions: out, (n, episodes, cap) int8, 1 for right; left as it is after the end; (0, 0, 0) not to record.
    """
    n, episodes = steps.shape
    noisy = noise.shape[0] > 0
    measuring = moments.shape[0] > 0
    recording = states.shape[0] > 0
    widest = INPUTS
    for size in sizes:
        widest = max(widest, size)
    packed = np.zeros(packed_size(sizes), np.float32)
    observation = np.zeros((12, LANES), np.float32)
    hidden = np.zeros((widest + 12, LANES), np.float32)
    spare = np.zeros((widest + 12, LANES), np.float32)
    margin = np.zeros(LANES, np.float32)
    threshold = np.zeros(LANES, np.float32)
    push = np.zeros(LANES, np.float32)
    state = np.zeros((INPUTS, LANES))
    angle = np.zeros((2, LANES))
    episode = np.zeros(LANES, np.int32)
    age = np.zeros(LANES, np.int32)
    done = np.zeros(LANES, np.uint8)

    for network in range(n):
        pack(weights[network], sizes, bias, packed)
        live = min(episodes, LANES)
        upcoming = live
        for lane in range(live):
            episode[lane] = lane
            _start(lane, lane, starts, cap, noise, noisy, state, age, threshold, push)
        while live > 0:
            lanes = (live + WIDTH - 1) // WIDTH * WIDTH
            observe(state, centre, scale, clip, observation, lanes)
            decide(packed, sizes, activation, observation, hidden, spare, margin, lanes)
            if recording:
                for lane in range(live):
                    for k in range(INPUTS):
                        states[network, episode[lane], age[lane], k] = state[k, lane]
                    actions[network, episode[lane], age[lane]] = margin[lane] > threshold[lane]
            if measuring:
                for lane in range(live):
                    way = np.float32(1.0) if margin[lane] > threshold[lane] else np.float32(-1.0)
                    fresh = way if age[lane] == 0 else push[lane] + np.float32(SMOOTHING) * (way - push[lane])
                    push[lane] = fresh
                    moments[network, 0] += state[0, lane]
                    moments[network, 1] += state[2, lane]
                    moments[network, 2] += abs(fresh)
            ended = advance(state, angle, margin, threshold, age, done, cap, c, lanes)
            if noisy:
                for lane in range(live):
                    threshold[lane] = noise[episode[lane], min(age[lane], cap - 1)]
            if ended > 0:
                for lane in range(live - 1, -1, -1):
                    if not done[lane]:
                        continue
                    steps[network, episode[lane]] = age[lane]
                    if upcoming < episodes:
                        episode[lane] = upcoming
                        _start(lane, upcoming, starts, cap, noise, noisy, state, age, threshold, push)
                        upcoming += 1
                    else:
                        live -= 1
                        episode[lane] = episode[live]
                        for k in range(INPUTS):
                            state[k, lane] = state[k, live]
                        age[lane] = age[live]
                        threshold[lane] = threshold[live]
                        push[lane] = push[live]
                        # What is left behind is played on, unread: zeros keep it from growing without bound.
                        for k in range(INPUTS):
                            state[k, live] = 0.0
                        age[live] = 0
        if measuring:
            total = 0
            for e in range(episodes):
                total += steps[network, e]
            for k in range(3):
                moments[network, k] /= max(total, 1)
