"""The optimisation loop against torch's own Adam, batch by batch; its rates, its log, and what it ends with."""

import numpy as np
import pytest
import torch
from torch import nn

from workbench.errors import WorkbenchError
from workbench.learning import loop
from workbench.learning.adam import Adam
from workbench.learning.loop import WORST, Optimisation, Phase, optimise
from workbench.learning.modules import flatten_parameters, linear, mlp

N, BATCH = 53, 10


class Problem:
    """Regression by a small network; keeps the batches and the random numbers that it was given."""

    def __init__(self, name="fit", seed=0, **settings):
        random = np.random.default_rng(seed)
        self.x = torch.from_numpy(random.standard_normal((2 * N, 3)).astype(np.float32))
        self.y = self.x[:, :1] - 2 * self.x[:, 1:2].abs()
        self.net = mlp((3, 8, 1), torch.Generator().manual_seed(seed))
        self.batches, self.noise = [], []
        self.phase = Phase(
            name, self.net, 2 * np.arange(N), self.loss, **{"epochs": 4, "batch": BATCH, "rate": 0.03, **settings}
        )

    def error(self, rows, noise):
        return nn.functional.mse_loss(self.net(self.x[rows] + noise), self.y[rows])

    def loss(self, rows, noise):
        self.batches.append(rows.numpy().copy())
        self.noise.append(0.1 * torch.randn((len(rows), 3), generator=noise))
        found = self.error(rows, self.noise[-1])
        return {"loss": found, "twice": 2 * found}

    def flat(self):
        return nn.utils.parameters_to_vector(self.net.parameters()).detach().numpy().copy()


def run(*problems, seed=0, state=None):
    state = state or Optimisation(seed)
    for _ in optimise([p.phase for p in problems], state, "cpu"):
        pass
    return state


@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_it_is_torchs_adam(clip):
    problem, other = Problem(clip=clip), Problem()
    state = run(problem)
    optimiser = torch.optim.Adam(other.net.parameters(), lr=0.03, fused=False)
    losses = []
    for rows, noise in zip(problem.batches, problem.noise, strict=True):
        optimiser.zero_grad()
        loss = other.error(torch.from_numpy(rows), noise)
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(other.net.parameters(), clip)
        optimiser.step()
        losses.append(loss.item())
    np.testing.assert_allclose(problem.flat(), other.flat(), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(state.finished["fit"], problem.flat())
    means = np.reshape(losses, (4, N // BATCH)).mean(1)
    np.testing.assert_allclose(state.log["fit"]["loss"], means, rtol=1e-4)
    np.testing.assert_allclose(state.log["fit"]["twice"], 2 * means, rtol=1e-4)
    assert means[-1] < means[0]


def test_each_pass_sees_each_row_once_in_an_order_of_its_own():
    problem = Problem()
    run(problem)
    passes = np.reshape(problem.batches, (4, -1))
    assert passes.shape == (4, N // BATCH * BATCH)
    for rows in passes:
        assert len(np.unique(rows)) == len(rows)
        assert set(rows.tolist()) <= set((2 * np.arange(N)).tolist())
    assert len({rows.tobytes() for rows in passes}) == 4
    assert set(passes.ravel().tolist()) == set((2 * np.arange(N)).tolist()), "those left out of a pass are in another"
    noise = torch.cat(problem.noise)
    assert len(torch.unique(noise)) > 0.99 * noise.numel(), "noise is drawn anew"


def test_seed_and_name_decide_order_and_noise():
    first, again, other, named = Problem(), Problem(), Problem(), Problem(name="another")
    for problem, seed in ((first, 3), (again, 3), (other, 4), (named, 3)):
        torch.manual_seed(seed + 100)
        run(problem, seed=seed)
    assert np.array_equal(first.batches, again.batches)
    assert torch.equal(first.noise[-1], again.noise[-1])
    for problem in (other, named):
        assert not np.array_equal(first.batches, problem.batches)
        assert not torch.equal(first.noise[-1], problem.noise[-1])


def test_a_batch_larger_than_all_rows_is_all_rows():
    problem = Problem(batch=100)
    state = run(problem)
    assert [len(b) for b in problem.batches] == [N] * 4
    assert len(state.log["fit"]["loss"]) == 4


def test_the_rate_rises_and_falls(monkeypatch):
    rates = []

    class Watched(Adam):
        def step(self):
            rates.append(self.rate)
            super().step()

    monkeypatch.setattr(loop, "Adam", Watched)
    run(Problem(epochs=40, one_cycle=True))
    assert len(rates) == 200
    peak = int(np.argmax(rates))
    assert peak == 10
    assert rates[peak] == pytest.approx(0.03)
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()
    assert 0 < rates[-1] < 0.001 * 0.03 + 1e-4
    assert 0 < rates[0] < 0.1 * 0.03
    rates.clear()
    run(Problem())
    assert set(rates) == {0.03}


def worked(problem, losses):
    """Gives a problem these validation losses, and remembers its parameters at each."""
    seen = []
    told = iter(losses)

    def validate():
        seen.append(problem.flat())
        return next(told)

    problem.phase.validate = validate
    return seen


@pytest.mark.parametrize(
    ("losses", "patience", "length", "best"),
    [
        ([5.0, 4.0, 3.0, 2.0], 0, 4, 3),
        ([5.0, 4.0, 6.0, 7.0], 0, 4, 1),
        ([5.0, 4.0, 6.0, 3.0], 1, 3, 1),
        ([5.0, 4.0, 6.0, 3.0], 2, 4, 3),
        ([5.0, 5.0, 5.0, 5.0], 2, 3, 0),
        ([float("nan"), 2.0, float("inf"), float("nan")], 0, 4, 1),
        ([float("nan")] * 4, 0, 4, 0),
    ],
)
@pytest.mark.parametrize("keep_best", [True, False])
def test_it_ends_with_the_best_or_the_last(losses, patience, length, best, keep_best):
    problem = Problem(patience=patience, keep_best=keep_best)
    seen = worked(problem, losses)
    state = run(problem)
    assert len(seen) == length
    assert state.log["fit"]["validation"] == [WORST if not np.isfinite(v) else v for v in losses[:length]]
    assert np.array_equal(problem.flat(), seen[best] if keep_best else seen[-1])
    assert np.array_equal(state.finished["fit"], problem.flat())
    assert (state.done, state.total) == (20, 20)


def test_phases_follow_one_another_and_cost_what_they_say():
    first, second = Problem("first"), Problem("second", cost=3.0, epochs=2)
    prepared = []
    second.phase.prepare = lambda: prepared.append(first.flat())
    state = Optimisation(0)
    seen = [(state.phase, state.done) for _ in optimise([first.phase, second.phase], state, "cpu")]
    assert state.total == 20 + 30
    assert [done for _, done in seen] == sorted(done for _, done in seen)
    assert seen[-1] == ("second", 50)
    assert list(state.finished) == ["first", "second"]
    assert np.array_equal(prepared, [state.finished["first"]]), "the second begins when the first is over"
    again = [Problem("first", seed=7), Problem("second", seed=7)]
    assert not np.array_equal(again[0].flat(), first.flat())
    run(*again, state=state)
    assert np.array_equal(again[0].flat(), first.flat()), "what is finished is taken over"
    assert again[0].batches == again[1].batches == []


def test_nobody_waits_long_for_a_sign(monkeypatch):
    monkeypatch.setattr(loop, "PAUSE", -1.0)
    state = Optimisation(0)
    steps = [(state.epoch, state.step) for _ in optimise([Problem().phase], state, "cpu")]
    assert {(e, s) for e in range(4) for s in range(1, 5)} <= set(steps)


def test_a_stop_ends_the_phase_at_its_best(monkeypatch):
    monkeypatch.setattr(loop, "PAUSE", -1.0)
    first, second = Problem("first"), Problem("second")
    seen = worked(first, [3.0, 1.0, 2.0, 0.0])
    state = Optimisation(0)
    for _ in optimise([first.phase, second.phase], state, "cpu"):
        if state.phase == "first" and (state.epoch, state.step) == (2, 2):
            state.stop = True
    assert len(seen) == 3
    assert np.array_equal(first.flat(), seen[1])
    assert len(second.batches) == 20
    assert state.done == state.total == 40


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_told(bad):
    problem = Problem("the phase")
    real = problem.phase.loss

    def turns_bad(rows, noise):
        terms = real(rows, noise)
        return {**terms, "twice": terms["twice"] * bad} if len(problem.batches) == 8 else terms

    problem.phase.loss = turns_bad
    with pytest.raises(WorkbenchError, match=rf"the phase: the twice became {bad} in epoch 2, step \d; a smaller"):
        run(problem)


def test_parameters_in_one_vector_are_the_modules_own():
    net = mlp((3, 5, 2), torch.Generator().manual_seed(1))
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    flat = flatten_parameters(net)
    assert flat.numel() == sum(p.numel() for p in before.values())
    assert all(torch.equal(p, before[name]) for name, p in net.named_parameters())
    net(torch.ones(1, 3)).sum().backward()
    assert torch.equal(flat.grad, torch.cat([p.grad.reshape(-1) for p in net.parameters()]))
    assert flat.grad.abs().sum() > 0
    with torch.no_grad():
        flat.fill_(2.0)
    assert all((p == 2).all() for p in net.parameters())


def test_layers_begin_as_torchs_do():
    layer = linear(64, 2000, torch.Generator().manual_seed(0))
    theirs = nn.Linear(64, 2000)
    for mine, usual in ((layer.weight, theirs.weight), (layer.bias, theirs.bias)):
        assert mine.shape == usual.shape
        assert mine.abs().max() <= 1 / 8
        assert mine.std().item() == pytest.approx(usual.std().item(), rel=0.05)
    again = linear(64, 2000, torch.Generator().manual_seed(0))
    assert torch.equal(layer.weight, again.weight)
