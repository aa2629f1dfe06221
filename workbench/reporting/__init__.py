"""One report of what was reproduced: the paper's claims with their answers, then every table and figure.

`content` turns what a terminal shows into grids and words, `html` and `markdown` write these down.
"""
