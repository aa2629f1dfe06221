"""The paper's tables and figures made again: the numbers are the analyses', and the paper's stand beside them."""

import json
import re
from dataclasses import field, make_dataclass, replace
from io import StringIO
from types import SimpleNamespace
from xml.etree import ElementTree

import gymnasium
import numpy as np
import pytest
from rich.console import Console

from workbench import discovery, generators, repairs, reproductions
from workbench.analyses import converge, sample, sweeps
from workbench.analysis import Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.good_and_bad import pools
from workbench.learning import adversarial, shelf
from workbench.learning.adversarial import attempt
from workbench.learning.data import TrainingData
from workbench.learning.scoring import yardstick
from workbench.numerics.damage import damage
from workbench.numerics.distributions import wasserstein
from workbench.paper import FIGURE_5, FIGURE_6, TABLE_1_SAMPLES, TABLE_1_TRAINING
from workbench.population import load
from workbench.repairing import Original, case_of, trial_episodes
from workbench.reproducing import GROUPS, Params, at_work, made_with, seeds_of
from workbench.reproductions import fig7, fig8, leans, robustness, table2
from workbench.rollouts import survival
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import behaviour, rollout

COMPUTE = Compute("cpu", 1)
QUICK = Params(quick=True)


@pytest.fixture(scope="module")
def shipped_part(tmp_path_factory):
    """Some hundred networks of each group, and all of 51-100."""
    whole = load()
    survival = whole["survival"]
    few = np.flatnonzero((survival > 50.5) & (survival <= 100.5) | (np.arange(len(survival)) % 16 == 0))
    return whole.select(few).save(tmp_path_factory.mktemp("part") / "part.safetensors")


@pytest.fixture
def ready(shipped_part, trained, tmp_path_factory, monkeypatch):
    """Generators trained for a moment take the place of those that would be trained for minutes."""
    from trainings import fit

    folder = tmp_path_factory.mktemp("generators")
    made = {}
    for kind in ("cartpolegen", "functional"):
        made[kind] = folder / f"{kind}.safetensors"
        fit(kind, TrainingData.of(shipped_part)).save(made[kind])
    monkeypatch.setattr(shelf, "find", lambda population, kind, seed: made[kind])
    return SimpleNamespace(population=shipped_part, files=made)


def last_of(name, population, params=QUICK):
    analysis = reproductions.find(name)
    frames = list(analysis.run(COMPUTE, Selection(population), params))
    done = [frame.done for frame in frames]
    assert done == sorted(done)
    assert frames[-1].done == frames[-1].total
    text = words_of(analysis, frames[-1])
    assert re.search(r"\bdone\b|…|seeds? \(|seeds \d+\b(?!,)", text) is None, "nothing of the work is left in a text"
    assert not frames[-1].doing or frames[-1].doing == "done" or frames[-1].doing not in text
    return analysis, frames[-1]


def words_of(analysis, frame):
    """The text of a table, its lines joined."""
    page = StringIO()
    Console(file=page, width=120, color_system=None).print(analysis.table(frame))
    return " ".join(page.getvalue().split())


def test_table_1_has_the_figures_that_sampling_gives(ready):
    analysis, frame = last_of("table1", ready.population)
    said = analysis.summary(frame)
    for group in GROUPS:
        told = said["groups"][group]
        assert told["paper"]["training"] == [TABLE_1_TRAINING[group].mean, TABLE_1_TRAINING[group].std]
        assert told["paper"]["generated"] == [TABLE_1_SAMPLES[group].mean, TABLE_1_SAMPLES[group].std]
        assert np.isfinite([v for row in told["rows"].values() for v in (*row["mean"], *row["w1"])]).all()
    group = "151-200"
    how = sample.Params(str(ready.files["cartpolegen"]), group, 200, "posterior", selector="none")
    *_, alone = sample.run(COMPUTE, Selection(ready.population), how)
    row = said["groups"][group]["rows"]["cartpolegen, posterior, n 200"]
    assert row["mean"] == [alone.survival.mean()]
    assert row["w1"] == [wasserstein(alone.survival, alone.unseen)]
    # Quick, both rows of CartPoleGen have the paper's count.
    assert (frame.samples[0, GROUPS.index(group)] == alone.survival).all()
    assert (np.abs(frame.again[0].mean(1) - [said["groups"][g]["training"]["mean"] for g in GROUPS]) < 15).all()
    assert [claim.number for claim in analysis.claims(frame)] == [3, 4, 6]
    how = sample.Params(str(ready.files["functional"]), group, 200, selector="predictor")
    *_, best = sample.run(COMPUTE, Selection(ready.population), how)
    rows = said["groups"][group]["rows"]
    assert rows["functional + predictor"]["w1"] == [best.rows["functional + predictor"]["w1"]]
    for control in sample.CONTROLS:
        assert rows[control]["w1"] == [best.rows[control]["w1"]]


def test_figure_4_shows_what_is_sampled(ready):
    analysis, frame = last_of("fig4", ready.population)
    assert frame.samples.shape == (len(GROUPS), 2, 200)
    assert np.isfinite(frame.samples).all()
    area = np.trapezoid(frame.training, np.linspace(0, 200, 201), axis=1)
    assert (area[:3] > 0.9).all()
    panels = ElementTree.fromstring(analysis.figure(frame))
    text = " ".join(panels.itertext())
    for group in GROUPS:
        name = group if group == "all" else f"{group} steps"
        assert f"{name}: functional" in text and f"{name}: cartpolegen" in text


def test_figure_9_is_of_fewer_networks(ready):
    analysis, frame = last_of("fig9", ready.population)
    group = yardstick(ready.population, "51-100", 0, COMPUTE)
    assert frame.networks[0] == len(group.training)
    assert frame.networks[1] == round(frame.networks[0] / 10)
    assert frame.networks[2] >= 10
    # All networks have as many steps in either budget.
    assert frame.w1[0, 0, 0] == frame.w1[0, 0, 1]
    for k in range(3):
        for b in range(2):
            assert frame.w1[0, k, b] == wasserstein(frame.samples[0, k, b], group.unseen)
    (claim,) = analysis.claims(frame)
    assert claim.number == 14 and "at equal epochs" in claim.why


def test_table_2_has_the_figures_that_comparing_gives(ready, monkeypatch):
    monkeypatch.setattr(table2, "QUICK_POOL", 20)
    analysis, frame = last_of("table2", ready.population)
    said = analysis.summary(frame)
    assert said["paper"]["good"] == {"survival": 191.0, "cd": [2.75, 1.96], "output-cd": [0.32, 0.49]}
    assert said["paper"]["bad"] == {"survival": 29.0, "cd": [3.13, 1.7], "output-cd": [0.09, 0.11]}
    population = ready.population
    found = pools(population, "trained", 0, 200, {}, COMPUTE, 20)
    rows = [int(np.flatnonzero((population.weights == w).all(1))[0]) for w in found.networks.weights]
    for kind, wanted in (("good", 191.0), ("bad", 29.0)):
        ten = [rows[k] for k in found.ten(kind)]
        away = np.abs(np.asarray(population["survival"])[[rows[k] for k in found.pool(kind)]] - wanted)
        assert (np.diff(away) >= 0).all()
        *_, alone = converge.run(
            COMPUTE, Selection(population, tuple(ten)), converge.Params(states=str(population.path))
        )
        for column in ("cd", "output-cd", "agreement", "cka", "procrustes"):
            pairs = alone.matrix(column)[np.triu_indices(10, 1)]
            assert said["rows"][f"trained networks, {kind}"][column]["ten"][0] == pytest.approx(
                [pairs.mean(), pairs.std(ddof=1)], rel=1e-9
            )
            middle, low, high = said["rows"][f"trained networks, {kind}"][column]["other_tens"]
            assert low < middle < high
    assert list(said["controls"]) == ["states shuffled", "units at random", "random weights"]
    assert said["controls"]["states shuffled"]["cka"][0] < 0.01 < said["controls"]["random weights"]["cka"][0]
    for claim, column in zip(analysis.claims(frame), ("cd", "output-cd"), strict=True):
        good, bad, _, p_value = said["pools"]["CartPoleGen, posterior"][column][0]
        assert f"{good:.2f} and {bad:.2f} (p {p_value:.2g}: {claim.answer})" in claim.why
    for sentence, source in zip(said["sentences"], said["good_below_bad"], strict=True):
        assert sentence.startswith(f"{source}: Good networks are closer by hidden CD: ")
    text = " ".join(ElementTree.fromstring(analysis.figure(frame)).itertext())
    assert "trained networks" in text and "output CD" in text


@pytest.mark.parametrize(("name", "units", "column"), [("fig5", 30, "cd"), ("fig6", 2, "output-cd")])
def test_figures_5_and_6_draw_pairs_of_the_ten(ready, name, units, column):
    analysis, frame = last_of(name, ready.population)
    said = analysis.summary(frame)
    assert len(said["pairs"]) == 9
    found = pools(ready.population, "trained", 0, 200, {}, COMPUTE)
    networks = found.networks.with_columns()
    rows = (*found.ten("good").tolist(), *found.ten("bad").tolist())
    params = converge.Params(measure=(column,), states=str(ready.population.path))
    *_, alone = converge.run(COMPUTE, Selection(networks, rows), params)
    both = alone.matrix(column)
    parts = {"good": both[:10, :10][np.triu_indices(10, 1)], "bad": both[10:, 10:][np.triu_indices(10, 1)]}
    parts["mixed"] = both[:10, 10:].ravel()
    for row, values in parts.items():
        told = said["pairs"][f"trained networks, {row}"]
        assert told["paper"] == {"cd": FIGURE_5, "output-cd": FIGURE_6}[column][row]
        correlations = np.array(told["correlations"])
        assert correlations.shape == (units, units)
        assert np.mean(told["distance"]) == pytest.approx(np.sort(values)[len(values) // 2])
        # Partners stand on the diagonal, the closest first, and fall short of the best by the distance.
        partners = np.diag(correlations)
        assert (np.diff(partners) <= 1e-12).all()
        short = correlations.max(axis=1) - partners, correlations.max(axis=0) - partners
        assert [short[0].sum(), short[1].sum()] == pytest.approx(told["distance"], abs=1e-9)
    ElementTree.fromstring(analysis.figure(frame))


def test_figure_7_has_the_walks_that_sweeps_take(ready, monkeypatch):
    monkeypatch.setattr(fig7, "QUICK_WALKS", 12)
    analysis, frame = last_of("fig7", ready.population)
    said = analysis.summary(frame)
    assert said["paper"]["convergence"] == [1.82, 12.5, 2.13, 2.77]
    assert list(said["generators"]) == ["cartpolegen", "functional"]
    assert frame.survival.shape == (2, 12, 4, 21)
    assert np.isnan(frame.survival[0, :, 3]).all(), "without a predictor nothing is tuned"
    for k, (kind, paths) in enumerate(
        (("cartpolegen", ("latent", "decoded", "aligned")), ("functional", ("latent", "tuned", "decoded", "aligned")))
    ):
        how = sweeps.Params(12, generator=str(ready.files[kind]), path=paths)
        *_, alone = sweeps.run(COMPUTE, Selection(ready.population), how)
        walks = frame.walks(k)
        assert walks.generator == alone.generator
        assert (walks.pairs == alone.pairs).all() and (walks.convergence == alone.convergence).all()
        assert set(walks.paths) == set(paths)
        for path in paths:
            ours, theirs = (f.survival[:, f.paths.index(path)] for f in (walks, alone))
            assert (ours == theirs).all(), path
            told = said["generators"][kind]["paths"][path]
            assert told["patterns"] == sweeps.figures_of(alone, path)["patterns"]
        for name, pair in said["drawn"][kind].items():
            (m,) = np.flatnonzero((alone.pairs == pair).all(1))
            found = alone.patterns("latent")[m]
            assert name in (found.name, found.beyond)
    assert ready.population["held_out"][frame.pairs].all()
    drawing = " ".join(ElementTree.fromstring(analysis.figure(frame)).itertext())
    assert all(f"{kind}, {name}: CD" in drawing for kind, drawn in said["drawn"].items() for name in drawn)
    assert len(fig7.panels(frame)) == sum(map(len, said["drawn"].values()))


FLAT, BOOSTED, SLOPE, HILL = [50, 50, 50, 50], [50, 90, 100, 150], [50, 90, 100, 90], [50, 150, 100, 90]
VALLEY, DROPPED = [60, 10, 100, 90], [50, 60, 60, 0]


@pytest.mark.parametrize(
    ("walks", "drawn"),
    [
        ([FLAT, DROPPED], {}),
        ([FLAT, BOOSTED, SLOPE, BOOSTED, SLOPE], {"slope": 2, "boost": 1}),
        ([VALLEY, HILL, VALLEY, SLOPE], {"valley": 0, "hill": 1, "slope": 3}),
        # The blog ties boosts to valleys: one that ends in a boost is a valley still, and no slope.
        ([[60, 10, 100, 190], [50, 150, 100, 190]], {"valley": 0, "hill": 1}),
    ],
)
def test_figure_7_draws_the_first_of_each_pattern(walks, drawn):
    alphas, n = np.array([0, 0.5, 1, 1.5]), len(walks)
    survival = np.full((1, n, 4, 4), np.nan)
    survival[0, :, :3] = np.array(walks, float)[:, None]
    pairs, kind = np.arange(2 * n).reshape(n, 2), ("cartpolegen",)
    frame = fig7.Frame(9, 9, "", "p", 0, kind, alphas, pairs, np.ones((n, 2)), survival, 20, 5, 200)
    assert dict(frame.examples(0)) == drawn
    assert [name for name, _ in frame.examples(0)] == [name for name in fig7.SOUGHT if name in drawn]
    titles = [panel.title for panel in fig7.panels(frame)]
    assert titles == [f"cartpolegen, {name}: CD 1.00" for name in fig7.SOUGHT if name in drawn]
    for panel, (_, m) in zip(fig7.panels(frame), frame.examples(0), strict=True):
        straight, latent, weights = panel.series
        assert latent.y.tolist() == weights.y.tolist() == walks[m]
        assert straight.y[:3].tolist() == [walks[m][0], (walks[m][0] + walks[m][2]) / 2, walks[m][2]]
    ElementTree.fromstring(fig7.svg(frame))


def test_figure_8_is_algorithm_1_at_every_level(ready, monkeypatch):
    monkeypatch.setattr(fig8, "QUICK_NETWORKS", 4)
    monkeypatch.setattr(fig8, "SAMPLES", 24)
    analysis, frame = last_of("fig8", ready.population)
    population = ready.population
    held = np.asarray(population["held_out"])
    assert len(frame.networks) == 4 and held[frame.networks].all()
    assert frame.off.shape == (2, 4, 10, 3, 2)
    generator = generators.for_population(population, str(ready.files["cartpolegen"]))
    fresh = Episodes(seed=0)
    n, row = 2, int(frame.networks[2])
    weights = np.array(population.weights[row])
    original = Original.of(weights, population.spec, fresh, population.weights[:2, :4], 5.0, COMPUTE)
    assert frame.survival[n] == original.survival
    for s, source in enumerate(("posterior", "prior")):
        training = population.weights[~held] if source == "posterior" else None
        seed = int(np.random.default_rng([0, 23, row, s]).integers(2**62))
        samples = generator.sample(240, seed=seed, training=training).weights.reshape(10, 24, -1)
        for k, level in ((0, 0.1), (4, 0.5), (9, 1.0)):
            damaged = damage(weights, population.spec, "missing", level, seed)
            case = case_of(original, damaged, trial_episodes(fresh), population.weights[:2, :4], 1, 24, 10, seed)
            drawn = SimpleNamespace(sample=lambda *_, k=k, samples=samples: samples[k], spec=population.spec)
            drawn.compute = COMPUTE
            for c, criterion in enumerate(("missing", "whole")):
                for r, reading in enumerate(("filled", "candidate")):
                    method = repairs.find(f"algorithm1-{criterion}")
                    found = method.repair(replace(case, reading=reading), drawn)
                    assert frame.off[s, n, k, c, r] == original.judge(found.weights[:1], damaged.mask).off[0]
                    tried = survival(found.weights, population.spec, seed=case.trial.seed).mean(1)
                    assert frame.claimed[s, n, k, c, r] == (np.abs(tried - case.survival) < 5).any()
    # Where nothing exists, both readings are one, and the Missing Criterion is no better than the first drawn.
    assert np.array_equal(frame.off[:, :, 9, :, 0], frame.off[:, :, 9, :, 1])
    assert np.array_equal(frame.off[:, :, 9, 0], frame.off[:, :, 9, 2])
    said = analysis.summary(frame)
    told = said["rows"]["posterior, filled, whole"]
    np.testing.assert_allclose(told["mean"], frame.off[0, :, :, 1, 0].mean(0))
    np.testing.assert_allclose(told["within_epsilon"], (frame.off[0, :, :, 1, 0] < 5).mean(0))
    assert told["given"] == frame.off[0, 0, :, 1, 0].tolist()
    assert [s.split(":")[0] for s in said["sentences"]] == ["filled", "candidate"]
    drawing = " ".join(ElementTree.fromstring(analysis.figure(frame)).itertext())
    assert f"#{frame.networks[0]}, filled" in drawing and "mean of 4, candidate" in drawing and "epsilon" in drawing


def test_noise_and_measuring_again(ready, monkeypatch):
    monkeypatch.setattr(robustness, "QUICK_NETWORKS", 20)
    analysis, frame = last_of("robustness", ready.population)
    population, rows = ready.population, frame.networks
    assert np.asarray(population["held_out"])[rows].all() and len(rows) == 20
    for k in (0, 7):
        episodes = Episodes(first=100 * k)
        assert (
            frame.measured[k] == rollout(population.weights[rows], population.spec, episodes, COMPUTE).steps.mean(1)
        ).all()
    level = robustness.LEVELS.index(0.1)
    one = np.array(population.weights[rows[3]])
    shaken = damage(one, population.spec, "noise", 0.1, int(rows[3])).weights
    assert np.sqrt(np.mean((shaken - one) ** 2) / np.mean(one**2)) == pytest.approx(0.1, rel=0.2)
    assert frame.noisy[level, 3] == survival(shaken, population.spec).mean()
    # Gymnasium's own environment, which agrees with the kernel step for step: see the tests of rollouts.
    env = gymnasium.make("CartPole-v1")
    steps = []
    for seed in Episodes(300).seeds:
        env.reset(seed=int(seed))
        steps.append(next(k for k in range(1, 300) if env.step(0)[2]))
    assert (frame.agents[1, :300] == steps).all()
    assert 21 < frame.agents[0].mean() < 23.5
    assert [claim.number for claim in analysis.claims(frame)] == [15, 16, 17]
    ElementTree.fromstring(analysis.figure(frame))
    assert analysis.summary(frame)["groups"]["all"]["networks"] == 20
    bare = replace(population, spec=replace(population.spec, env="Acrobot-v1"))
    with pytest.raises(WorkbenchError, match="the paper's baselines are Cart-Pole's"):
        next(analysis.run(COMPUTE, Selection(bare), QUICK))


def test_leans_are_those_of_the_agents_between(ready, monkeypatch):
    monkeypatch.setattr(leans, "QUICK_PAIRS", 6)
    analysis, frame = last_of("leans", ready.population)
    population = ready.population
    generator = generators.for_population(population, str(ready.files["functional"]))
    ends = [generator.encode(np.array(population.weights[frame.pairs[2:3, k]]), "all")[0] for k in (0, 1)]
    middle = generator.decode(0.7 * ends[0] + 0.3 * ends[1], "all")
    moves = behaviour(middle, population.spec, Episodes(), COMPUTE)
    assert frame.lean[1, 0, :, 2, 3] == pytest.approx([moves.lean_x[0], moves.lean_angle[0]], rel=1e-3, abs=1e-5)
    np.testing.assert_allclose(frame.shares(0, 0, 0).sum(1), 1)
    said = analysis.summary(frame)["shares"]["functional"]["decoded"]["lean_angle"]
    assert said["noise"]["beyond"] <= 0.3 and said["tolerance"] > 0
    ElementTree.fromstring(analysis.figure(frame))


def test_linear_layers_and_a_gan(ready, monkeypatch):
    kind = generators.find("cartpolegen")
    small = make_dataclass("Settings", [("epochs", int, field(default=1))], bases=(kind.SETTINGS,), frozen=True)
    monkeypatch.setattr(kind, "SETTINGS", small)
    analysis, frame = last_of("architectures", ready.population)
    group = yardstick(ready.population, "51-100", 0, COMPUTE)
    g = GROUPS.index("51-100")
    assert (frame.held_out(g) == group.unseen).all()
    assert analysis.summary(frame)["w1"]["linear"]["51-100"] == [wasserstein(frame.survival[0, 1, g], group.unseen)]
    assert len(frame.accuracy) == 1 and 0 < frame.right[0] <= frame.right[1]
    assert np.isfinite(frame.covered).all() and (frame.diversity > 0).all()
    ElementTree.fromstring(analysis.figure(frame))
    data = TrainingData.of(ready.population)
    *_, (gan, _) = attempt(data, small(), 0, COMPUTE)
    lasted = survival(gan.sample(200, 0), ready.population.spec).mean(1)
    assert (lasted == frame.adversarial).all()


def test_a_gan_learns_a_simple_distribution(ready):
    """Weights that all lie close to one network are learnt: their means and spreads come back."""
    data = TrainingData.of(ready.population)
    random = np.random.default_rng(0)
    assert discovery.held("workbench.generators", "cartpolegen", "WIDTHS") == adversarial.WIDTHS
    simple = data.weights[:1] + random.normal(0, 0.1, data.weights.shape).astype(np.float32)
    *_, (gan, state) = attempt(
        replace(data, weights=simple), generators.find("cartpolegen").SETTINGS(epochs=12), 0, COMPUTE
    )
    made = gan.sample(500, 1)
    assert state.done == state.total and len(gan.accuracy) == 12
    assert np.abs(made.mean(0) - data.weights[0]).max() < 0.2
    assert 0.02 < made.std(0).mean() < 0.2
    assert gan.believed(simple).mean() > 0.3


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        (("a",), "seeds: expected whole numbers, got a"),
        (("1", "1"), "seeds: expected different numbers from 0 on, got 1 1"),
        (("-1",), "seeds: expected different numbers from 0 on, got -1"),
        ((), "seeds: expected different numbers from 0 on, got none"),
    ],
)
def test_seeds_that_are_none(seeds, message):
    with pytest.raises(WorkbenchError, match=message):
        seeds_of(Params(seeds=seeds))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (Params(), "seeds 0, 1, 2; 1,000 samples"), (Params(("7",), 300), "seed 7; 300 samples"),
        (Params(("4", "5"), 300, True), "seed 4; 200 samples; --quick: fewer seeds, samples, pairs and networks"),
    ],
)  # fmt: skip
def test_it_is_said_how_thoroughly_figures_are_made(params, words):
    assert made_with(params) == words


def test_only_work_that_goes_on_is_told():
    now = SimpleNamespace(done=1, total=2, doing="sampling")
    assert at_work(now) == "sampling…"
    assert at_work(SimpleNamespace(done=2, total=2, doing="sampling")) == ""
    assert at_work(SimpleNamespace(done=1, total=2, doing="")) == ""


def test_only_whole_populations_with_survival(population):
    analysis = reproductions.find("fig9")
    with pytest.raises(WorkbenchError, match="works on a whole population"):
        next(analysis.run(COMPUTE, Selection(population, (1, 2)), QUICK))
    bare = type(population)(population.spec, population.weights)
    with pytest.raises(WorkbenchError, match="no column `survival`"):
        next(analysis.run(COMPUTE, Selection(bare), QUICK))
    with pytest.raises(WorkbenchError, match="a tenth of them must be more than 10"):
        next(analysis.run(COMPUTE, Selection(population), QUICK))


def test_the_command_writes_figure_text_and_numbers(ready, tmp_path, cli):
    out = tmp_path / "out"
    said = cli("reproduce", "fig9", ready.population.path, "--quick", "--out", out, "--threads", 1, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)["fig9"]
    assert found == json.loads((out / "fig9.json").read_text())
    assert found["population"]["hash"] == ready.population.content_hash
    ElementTree.fromstring((out / "fig9.svg").read_text())
    text = " ".join((out / "fig9.txt").read_text().split())
    assert "Fewer training networks give worse approximations" in text and found["claims"][0]["finding"] in text
    assert text.endswith("Made with seed 0; 200 samples; --quick: fewer seeds, samples, pairs and networks.")
    assert [claim["number"] for claim in found["claims"]] == [14]


@pytest.mark.parametrize("words", [("table2x",), ("nothing", "fig9"), ("fig9", "a.safetensors", "b.safetensors")])
def test_words_that_are_no_figure(words, cli):
    said = cli("reproduce", *words)
    assert said.code == 2
    assert f"expected all, {', '.join(reproductions.names())} and at most one population file" in " ".join(
        said.err.split()
    )
