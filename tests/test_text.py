"""Words for people."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text import clean, counted, duration, progress, rate


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((0, "network"), "0 networks"), ((1, "network"), "1 network"), ((7400, "network"), "7,400 networks"),
        ((1, "more file"), "1 more file"), ((2, "entry", "entries"), "2 entries"), ((1, "entry", "entries"), "1 entry"),
    ],
)  # fmt: skip
def test_counts_have_their_noun(given, words):
    assert counted(*given) == words


@given(st.text(st.characters(), max_size=60), st.integers(1, 80))
def test_clean_text_moves_no_cursor_and_is_short(text, limit):
    result = clean(text, limit)
    assert len(result) <= limit
    assert not any(unicodedata.category(c).startswith("C") for c in result)
    if len(text) <= limit:
        assert len(result) == len(text)
        kept = [(a, b) for a, b in zip(text, result, strict=True) if a != b]
        assert all(unicodedata.category(a)[0] == "C" and b == "�" for a, b in kept)
    else:
        assert result.endswith("…")


@pytest.mark.parametrize("code", ["\x1b[31m", "\x07", "\x9b2J", "\n", "\r", "\t", "\u202e", "\u200f", "\ud800", "\0"])
def test_codes_that_move_or_hide_are_shown_as_such(code):
    assert clean(f"a{code}b") == "a�" + code[1:] + "b"


def test_other_things_are_written_out():
    assert clean(None) == "None"
    assert clean(12) == "12"
    assert clean("ü — 日本") == "ü — 日本"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "?"),
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (42.4, "42 s"),
        (99.4, "99 s"),
        (540, "9 min"),
        (7800, "2 h 10 min"),
        (7199, "2 h 0 min"),
        (360_000, "100 h 0 min"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("per_second", "text"),
    [
        (None, ""),
        (0.01234, "0.0123/s"),
        (8.4, "8.4/s"),
        (84, "84/s"),
        (9999, "9999/s"),
        (12_000, "12k/s"),
        (3e6, "3M/s"),
        (4.56e9, "4.56G/s"),
    ],
)
def test_rates(per_second, text):
    assert rate(per_second) == text


def test_progress():
    assert progress(31, 100, 84, 540) == "31 % 84/s 9 min left"
    assert progress(0, 100, None, None) == "0 %"
    assert progress(0, 0, None, None) == "0 %"
    assert progress(999, 1000, None, 0) == "99 % 0.0 s left"
