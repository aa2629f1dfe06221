"""The paper's claims are answered by intervals: on made-up frames whose answer is known, both ways and in doubt."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import claims
from workbench.claims import CLAIMS, FAILS, HOLDS, UNSURE, Claim
from workbench.numerics.overlap import mass_where_none, shares
from workbench.numerics.statistics import Interval
from workbench.recovering import CRITERIA, LEVELS, READINGS
from workbench.reproducing import GROUPS
from workbench.reproductions import architectures, fig4, fig7, fig8, fig9, leans, robustness, table1, table2

PARTS = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=6)
RANDOM = np.random.default_rng(5)


def normal(mean, spread, *shape):
    return np.clip(np.random.default_rng(int(mean * 7 + spread)).normal(mean, spread, shape), 1, 200)


def answers(module, frame):
    return {claim.number: claim.answer for claim in module.answered(frame)}


def possible(parts):
    """All ways that open parts may turn out."""
    found = [()]
    for part in parts:
        found = [(*f, p) for f in found for p in ((True, False) if part is None else (part,))]
    return found


@pytest.mark.parametrize(
    ("joined", "whole"),
    [(claims.every, all), (claims.some, any), (claims.most, lambda p: 2 * sum(p) > len(p))],
)
@given(parts=PARTS)
def test_what_is_open_stays_open_only_where_it_matters(joined, whole, parts):
    ways = {whole(way) for way in possible(parts)}
    assert joined(parts) is (ways.pop() if len(ways) == 1 else None)


@given(parts=PARTS)
def test_all_must_agree(parts):
    assert claims.unanimous(parts) is (parts[0] if len(set(parts)) == 1 else None)


@pytest.mark.parametrize(
    ("low", "high", "above", "inside"),
    [(1, 2, True, True), (-2, -1, False, False), (-1, 2, None, None), (4, 9, True, False)],
)
def test_intervals_on_one_side_are_told(low, high, above, inside):
    found = Interval((low + high) / 2, low, high)
    assert claims.above(found) is above
    assert claims.below(found) is claims.negated(above)
    assert claims.inside(found, 0, 3) is inside
    assert claims.above(Interval(np.nan, np.nan, np.nan)) is None


def test_nothing_is_neither_true_nor_false():
    assert claims.every(()) is claims.unanimous(()) is claims.most(()) is None


def test_lines_and_json_say_all_of_it():
    claim = Claim(17, UNSURE, "because")
    finding = "It cannot be told whether both last as long as that, to the step."
    (line,) = claims.lines([claim])
    assert line.plain == f"? Claim 17, cannot tell: {CLAIMS[17].text}. {finding} Figures: because"
    (said,) = claims.to_json([claim])
    assert said == {
        "number": 17, "answer": UNSURE, "why": "because", "finding": finding, "text": CLAIMS[17].text, "where": "3.5"
    }  # fmt: skip
    assert list(CLAIMS) == list(range(1, 19))


@pytest.mark.parametrize("number", CLAIMS)
def test_findings_are_sentences_without_figures_of_their_own(number):
    told = {answer: Claim(number, answer, "").finding for answer in (HOLDS, FAILS, UNSURE)}
    assert len(set(told.values())) == 3, "each answer says something else"
    for finding in told.values():
        assert finding[0].isupper() and finding.endswith(".") and finding.count(". ") == 0


def test_answers_are_remembered_for_one_frame():
    asked = []
    ask = claims.remembered(lambda frame: asked.append(frame) or [Claim(1, HOLDS, "")])
    first, second = object(), object()
    assert ask(first) is ask(first)
    ask(second)
    assert asked == [first, second]


@given(st.lists(st.integers(0, 199), min_size=1, max_size=40), st.lists(st.integers(0, 199), min_size=1, max_size=40))
def test_mass_where_the_other_has_none(a, b):
    ours, theirs = (shares(np.array(values), 0, 200, 20) for values in (a, b))
    assert ours.sum() == pytest.approx(1)
    alone = np.mean([x // 10 not in {y // 10 for y in b} for x in a])
    assert mass_where_none(ours, theirs) == pytest.approx(alone)


def test_mass_where_the_other_has_hardly_any():
    thin = np.array([0.004, 0.996, *np.zeros(18)])
    assert mass_where_none(np.array([0.5, 0.5, *np.zeros(18)]), thin) == 0.5
    assert mass_where_none(np.array([0.5, 0.5, *np.zeros(18)]), np.array([0.006, 0.994, *np.zeros(18)])) == 0


def sampled(means, stds, seeds=(0,), n=300, again=0.0):
    samples = np.stack([np.stack([normal(m + k, s, n) for m, s in zip(means, stds, strict=True)]) for k in seeds])
    training = np.array(
        [(9, m, 14.0, top) for m, top in zip((20, 75, 125, 185, 106), (50, 100, 150, 200, 200), strict=True)]
    )
    return SimpleNamespace(
        done=1, total=1, seeds=seeds, count=n, samples=samples, training=training, again=np.full(samples.shape, again)
    )


@pytest.mark.parametrize(
    ("means", "better"),
    [((20, 70, 120, 90, 100), HOLDS), ((20, 70, 120, 180, 100), FAILS), ((60, 20, 120, 90, 100), FAILS)],
)
def test_better_networks_give_better_samples(means, better):
    assert answers(table1, sampled(means, (10,) * 5))[3] == better


def test_trainings_that_disagree_tell_nothing():
    frame = sampled((20, 70, 120, 120, 100), (10,) * 5, (0, 1))
    frame.samples[0, 3] -= 30
    frame.samples[1, 3] += 30
    assert answers(table1, frame)[3] == UNSURE


@pytest.mark.parametrize(
    ("stds", "wider"),
    [
        ((30, 30, 30, 5, 5), HOLDS),
        ((30, 30, 30, 30, 30), FAILS),
        ((5, 5, 30, 30, 5), FAILS),
        ((30, 30, 14, 14, 5), UNSURE),
    ],
)
def test_samples_vary_more_than_what_they_were_trained_on(stds, wider):
    assert answers(table1, sampled((80, 80, 80, 80, 80), stds))[4] == wider


@pytest.mark.parametrize(
    ("share", "again", "some"), [(0.2, 0.0, HOLDS), (0.0, 0.0, FAILS), (0.2, 199.0, UNSURE), (0.01, 0.0, UNSURE)]
)
def test_samples_that_outperform(share, again, some):
    frame = sampled((20, 70, 120, 180, 100), (5,) * 5, n=1000, again=again)
    frame.samples[0, 0, : int(share * 1000)] = 190.0
    assert answers(table1, frame)[6] == some


@pytest.mark.parametrize(
    ("made", "answer"),
    [
        (lambda low, high: RANDOM.uniform(0, 200, 500), HOLDS),
        (lambda low, high: RANDOM.uniform(low, high, 500), FAILS),
        (lambda low, high: np.full(500, (low + high) / 2), FAILS),
    ],
)
def test_spilled_and_missed_mass(made, answer):
    ends = [(0, 50), (50, 100), (100, 150), (150, 200), (150, 200)]
    training = np.stack([shares(np.random.default_rng(3).uniform(*e, 5000), 0, 200, fig4.BINS) for e in ends])
    samples = np.stack([np.stack([made(*e)] * 2) for e in ends])
    frame = SimpleNamespace(done=1, total=1, samples=samples, shares=training, seed=0, count=500)
    assert answers(fig4, frame) == {5: answer}


@pytest.mark.parametrize(
    ("share", "p_value", "first", "second"),
    [(1.0, 0.01, HOLDS, FAILS), (0.0, 0.01, FAILS, HOLDS), (1.0, 0.2, UNSURE, UNSURE), (0.7, 0.01, UNSURE, UNSURE)],
)
def test_good_and_bad_networks(share, p_value, first, second):
    contrasts = np.full((2, len(table2.SOURCES), len(table2.MEASURES), 4), np.nan)
    contrasts[:, 0] = 1.0, 2.0, share, p_value
    contrasts[0, 0, :, 3] = 0.001  # the least sure of the seeds speaks
    frame = SimpleNamespace(done=1, total=1, contrasts=contrasts, pool=40, seeds=(0, 1))
    assert answers(table2, frame) == {1: first, 2: second}


def walked(latent, decoded, convergence=None):
    """A frame of many pairs with the same two walks, but for a little noise."""
    alphas, m = np.array([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5]), 60
    survival = np.full((2, m, 4, 7), np.nan)
    survival[:, :, 0], survival[:, :, 1], survival[:, :, 2] = latent, decoded, decoded
    survival += np.random.default_rng(1).uniform(-1, 1, survival.shape)
    away = np.ones((m, 2)) if convergence is None else convergence
    pairs = np.arange(2 * m).reshape(m, 2)
    return fig7.Frame(9, 9, "", "p", 0, ("cartpolegen", "functional"), alphas, pairs, away, survival, 20, 5, 200)


STRAIGHT = [20, 45, 70, 95, 120, 120, 120]


@pytest.mark.parametrize(
    ("latent", "ninth", "tenth"),
    [
        ([20, 60, 80, 110, 120, 150, 130], HOLDS, HOLDS),
        (STRAIGHT, FAILS, UNSURE),
        ([20, 45, 70, 95, 120, 100, 60], FAILS, FAILS),
        ([20, 180, 20, 180, 120, 150, 130], HOLDS, FAILS),
        ([20, 60, 80, 110, 120, 150, 190], HOLDS, UNSURE),
    ],
)
def test_walks(latent, ninth, tenth):
    found = answers(fig7, walked(latent, STRAIGHT))
    assert (found[9], found[10]) == (ninth, tenth)
    assert found[11] == UNSURE, "without hills there is nothing to compare"


@pytest.mark.parametrize(("low", "answer"), [(2.0, HOLDS), (-2.0, FAILS), (0.0, UNSURE)])
def test_hills_and_distance(low, answer):
    random = np.random.default_rng(2)
    frame = walked(STRAIGHT, STRAIGHT, random.uniform(3, 5, (60, 2)))
    frame.survival[:, :10, 0, 2] = 195
    frame.convergence[:10] += low
    assert answers(fig7, frame)[11] == answer
    assert fig7.hills_answer(Interval(0.5, 0.45, 0.55)) is False


def repaired(missing, whole, spread=0.5, n=40):
    off = np.zeros((2, n, len(LEVELS), len(CRITERIA), len(READINGS)))
    off[:, :, :, 0], off[:, :, :, 1] = missing, whole
    off += np.random.default_rng(4).uniform(0, spread, off.shape)
    return fig8.Frame(1, 1, "", "p", 0, "g", np.arange(n), np.full(n, 100.0), off, off * 0)


@pytest.mark.parametrize(
    ("missing", "whole", "twelfth", "thirteenth"),
    [(3, 1, HOLDS, HOLDS), (1, 3, FAILS, HOLDS), (30, 1, FAILS, FAILS), (3, 3, UNSURE, HOLDS), (8, 8, UNSURE, FAILS)],
)
def test_repair(missing, whole, twelfth, thirteenth):
    frame = repaired(missing, whole)
    assert answers(fig8, frame) == {12: twelfth, 13: thirteenth}


def test_readings_that_disagree_tell_nothing():
    frame = repaired(3, 1)
    frame.off[..., 1, 1] += 20
    assert answers(fig8, frame) == {12: UNSURE, 13: UNSURE}


@pytest.mark.parametrize(
    ("means", "answer"), [((75, 90, 110), HOLDS), ((110, 90, 75), FAILS), ((75, 95, 85), FAILS), ((75, 90, 90), UNSURE)]
)
def test_fewer_networks(means, answer):
    samples = np.stack([np.stack([normal(m, 5, 300)] * 2) for m in means])[None]
    frame = SimpleNamespace(
        done=1,
        total=1,
        samples=samples,
        seeds=(0,),
        networks=np.array([900, 90, 10]),
        unseen=normal(75, 5, 100),
        count=300,
    )
    assert answers(fig9, frame) == {14: answer}


def measured(change, apart, skill):
    n = 200
    base = np.full((robustness.TIMES, n), 100.0)
    base[1::2, : int(apart * n)] += 9
    noisy = np.repeat(base[:1] - change, len(robustness.LEVELS), 0)
    agents = np.array([[m - 1, m + 1] * 500 for m in skill], float)
    group = np.repeat([0, 1, 2, 3], n // 4)
    return robustness.Frame(1, 1, "", "p", 0, np.arange(n), group, base, noisy, agents)


@pytest.mark.parametrize(
    ("change", "apart", "skill", "found"),
    [
        (30, 0.0, (22.1, 9.2), (HOLDS, HOLDS, HOLDS)),
        (1, 0.5, (25.0, 9.2), (FAILS, FAILS, FAILS)),
        (30, 0.0, (22.5, 9.2), (HOLDS, HOLDS, UNSURE)),
    ],
)
def test_robustness(change, apart, skill, found):
    frame = measured(change, apart, skill)
    assert tuple(answers(robustness, frame).values()) == found
    assert frame.more(0).value == (1.0 if apart else 0.0)


def built(elu, linear, gan, seeds=(0,)):
    n, groups = 200, len(GROUPS)
    survival = np.stack([np.stack([np.full((groups, n), x) for x in (elu, y)]) for y in linear]).astype(float)
    unseen = np.full((groups, 50), 100.0)
    unseen[0, 40:] = np.nan
    survival += np.random.default_rng(6).uniform(-1, 1, survival.shape)
    return architectures.Frame(
        1, 1, "", "p", seeds, n, survival, unseen, np.ones(groups), normal(gan, 2, n), np.array([0.6, 0.9]),
        np.array([230.0, 250.0]), np.ones(2), np.ones(2),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("elu", "linear", "gan", "seventh", "eighth"),
    [
        (80, (80,), 40, HOLDS, HOLDS),
        (80, (60,), 98, FAILS, FAILS),
        (80, (80, 60), 40, UNSURE, HOLDS),
        (80, (75,), 80, UNSURE, UNSURE),
    ],
)
def test_other_generators(elu, linear, gan, seventh, eighth):
    frame = built(elu, linear, gan, tuple(range(len(linear))))
    assert answers(architectures, frame) == {7: seventh, 8: eighth}
    assert len(frame.held_out(0)) == 40


def leaning(inner):
    """Forty pairs with ends at -1 and 1, or both at 1, and one agent between."""
    ends = np.array([(-1.0, 1.0)] * 20 + [(1.0, 1.0)] * 20)
    lean = np.zeros((2, 2, 2, 40, 3))
    lean[..., [0, 2]], lean[..., 1] = ends, np.asarray(inner)
    again = np.broadcast_to(ends, (2, 2, 2, leans.AGAIN, 40, 2)) + np.random.default_rng(8).normal(
        0, 0.01, (leans.AGAIN, 40, 2)
    )
    return leans.Frame(1, 1, "", "p", 0, np.arange(80).reshape(40, 2), lean, again)


@pytest.mark.parametrize(
    ("inner", "answer", "shares_of"),
    [
        ([0.0] * 20 + [1.0] * 20, HOLDS, (1, 0, 0)),
        ([0.0] * 20 + [-1.0] * 20, HOLDS, (0.5, 0.5, 0)),
        ([2.0] * 20 + [1.0] * 20, FAILS, (0.5, 0, 0.5)),
        ([2.0] * 3 + [0.0] * 17 + [1.0] * 20, UNSURE, (0.925, 0, 0.075)),
    ],
)
def test_leans(inner, answer, shares_of):
    frame = leaning(inner)
    assert answers(leans, frame) == {18: answer}
    np.testing.assert_allclose(frame.shares(0, 0, 0).mean(0), shares_of)
    assert frame.noise(0, 0, 0)[:, 2].mean() < 0.06


def test_each_claim_is_answered_once_and_only_when_all_is_there():
    made = [
        (table1, sampled((20, 70, 120, 90, 100), (10,) * 5)),
        (fig8, repaired(3, 1)), (fig7, walked(STRAIGHT, STRAIGHT)), (robustness, measured(1, 0, (22, 9))),
        (architectures, built(80, (80,), 40)), (leans, leaning([0.0] * 40)),
    ]  # fmt: skip
    numbers = [claim.number for module, frame in made for claim in module.answered(frame)]
    assert sorted([*numbers, 1, 2, 5, 14]) == list(CLAIMS)
    for module, frame in made[1:]:
        assert module.answered(replace(frame, total=frame.done + 1)) == []
        for claim in module.answered(frame):
            assert "\n" not in claim.why and "nan" not in claim.why and claim.sign in "✓✗?"
