"""ASCII: every character the program draws has one for it, of the same width, and those that differ stay apart."""

import locale
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import workbench
from workbench import plain as module
from workbench.drawing import EIGHTHS, breadth
from workbench.plain import braille, needs_plain, plain

DRAWN = sorted({c for p in Path(workbench.__file__).parent.rglob("*.py") for c in p.read_text() if not c.isascii()})


@pytest.mark.parametrize("character", DRAWN)
def test_all_that_the_program_draws_has_a_sign(character):
    sign = plain(f"a{character}")[1:]
    assert all(" " <= c <= "~" for c in sign)
    assert len(sign) == breadth(character)
    assert "?" not in sign or character == "�" or breadth(character) == 2


@given(st.text())
def test_any_text_is_ascii_and_as_wide(text):
    printable = "".join(c for c in text if c.isprintable())
    signs = plain(printable)
    assert signs.isascii()
    assert len(signs) == breadth(printable)
    assert plain(signs) == signs


def test_control_sequences_stay():
    assert plain("\x1b[38;2;1;2;3m│\x1b[0m") == "\x1b[38;2;1;2;3m|\x1b[0m"


def test_heights_marks_and_velocities_are_told_apart():
    assert len(set(map(plain, EIGHTHS))) == len(EIGHTHS)
    assert len({plain(mark) for mark in "●○◆◇■□"}) == 6
    assert len({plain(words) for words in ("x", "ẋ", "θ", "θ̇")}) == 4


def test_lines_of_dots_keep_their_slope():
    assert braille(0) == " "
    assert braille(0x01 | 0x02 | 0x04 | 0x40) == "|"
    assert braille(0x12) == "-" == braille(0x24)
    assert braille(0xC0) == "_"
    assert braille(0x01 | 0x02 | 0x20 | 0x80) == "\\"
    assert braille(0x08 | 0x10 | 0x04 | 0x40) == "/"
    assert braille(0xFF) == "#"
    assert all(" " <= braille(dots) <= "~" for dots in range(256))


def test_widths_are_as_rich_has_them():
    for character in DRAWN:
        assert breadth(character) == cell_len(character), character


@pytest.mark.parametrize(
    ("encoding", "term", "wanted"),
    [("UTF-8", "xterm-256color", False), ("utf8", "screen", False), ("ISO-8859-1", "xterm", True),
     ("ANSI_X3.4-1968", "xterm", True), ("UTF-8", "linux", True), ("UTF-8", "vt220", True)],
)  # fmt: skip
def test_who_needs_it(monkeypatch, encoding, term, wanted):
    monkeypatch.setattr(locale, "getencoding", lambda: encoding)
    monkeypatch.setenv("TERM", term)
    assert needs_plain() is wanted
    assert module.locale is locale
