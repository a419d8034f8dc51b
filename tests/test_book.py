"""The rules that every chapter keeps, and proof that each of them can be broken."""

from __future__ import annotations

from pathlib import Path

import book_source as rules
import pytest
import yaml
from book_source import Page

ROOT = Path(__file__).parent.parent
BOOK = rules.read_book(ROOT)


# ------------------------------------------------------------------------------- the book


@pytest.mark.parametrize("rule", rules.PAGE_RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("page", BOOK, ids=lambda page: page.name)
def test_page_keeps_rule(page: Page, rule) -> None:
    assert rule(page) == []


def test_labels_are_unique() -> None:
    assert rules.repeated_labels(BOOK) == []


def test_every_statement_is_tested_and_every_marker_names_one() -> None:
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("**/*.py")]
    marked = set().union(*map(rules.marked_labels, tests))
    assert rules.untested(rules.statement_labels(BOOK), marked) == []


def test_every_linked_term_is_in_the_glossary() -> None:
    assert rules.unknown_terms(BOOK) == []


def test_every_term_of_the_glossary_is_linked() -> None:
    assert rules.unlinked_terms(BOOK) == []


def test_table_of_contents_lists_every_page_once() -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [toc["root"]] + [c["file"] for part in toc["parts"] for c in part["chapters"]]
    assert sorted(f"{name}.md" for name in listed) == [page.name for page in BOOK]


# ------------------------------------------------------------------ every rule can be broken

PROOF = "```{prf:proof}\nClear.\n```\n"
GOOD_STATEMENT = "```{prf:lemma} Title\n:label: lem-a\n\n{own}`new` Let $a$ be.\n```\n"
GOOD = {
    "figures_without_alt": (
        "```{figure} a.svg\n:alt: a line\n:name: fig-a\n```\n"
        "```{code-cell}\n---\nmystnb:\n  image:\n    alt: a line\n---\nplt.plot(x)\n```\n"
        "![a line](a.svg)\n"
        "```{code-cell}\nfigures.landing()\n```\n"
    ),
    "figures_without_caption": (
        "```{code-cell}\n---\ntags: [remove-input]\nmystnb:\n  figure:\n    name: fig-a\n"
        "    caption: |\n      A line,\n      $x$.\n---\nfigures.landing()\n```\n"
        "{numref}`fig-a` shows it, {numref}`figure %s <fig-b>` too.\n"
        "```{code-cell}\n---\nmystnb:\n  figure: {name: fig-b, caption: B.}\n---\n"
        "x = 1\nshow.bound(x, x, x)\n```\n"
        "```{code-cell}\nx = figures.plane()\nshow.table(x, x)\n```\n"
    ),
    "tables_by_hand": "```{code-cell}\nshow.table([[1, 2]], ['a', 'b'])\narrows = 1\n```\n",
    "long_cells": (
        "```{code-cell}\n" + "x = 1\n\n" * 12 + "```\n"
        "```{code-cell}\n:tags: [hide-input]\n" + "x = 1\n" * 13 + "```\n"
    ),
    "statements_without_source": GOOD_STATEMENT + "```{prf:remark}\nSo.\n```\n",
    "statements_without_proof": GOOD_STATEMENT
    + "The idea.\n\n"
    + PROOF
    + "```{prf:definition}\nA.\n```\n",
    "exercises_without_solution": (
        "````{exercise}\n:label: ex-a\nProve it.\n```{hint}\n:class: dropdown\nSo.\n```\n````\n"
        "```{solution} ex-a\n:class: dropdown\nDone.\n```\n"
    ),
    "leftovers": "To do this, take $xxx$ and todos.\n",
    "terms_linked_twice": (
        "A {term}`loss`, {term}`losses <loss function>`.\n"
        "```{note}\n{term}`norm`, `{term}`norm``\n```\n```\n{term}`loss`\n```\n"
        "```{code-cell}\ns = '{term}`loss`'\n```\n"
    ),
    "disorder_in_glossary": (
        "```{glossary}\nAdam\n  One.\n\nBregman ball\n  Two, {term}`Adam`.\n\n"
        "co-coercivity\n  {term}`Adam`\n\ncondition number\n  So.\n\n  More.\n\n"
        "p-norm\n  So.\n\nPL inequality\n  So.\n```\n"
    ),
}
BAD = {
    "figures_without_alt": [
        "```{figure} a.svg\n:name: fig-a\n```\n",
        "::::{admonition} A\n:::{figure} a.svg\n:alt:\n:::\n::::\n",
        "![](a.svg)\n",
        "```{code-cell}\nfig, ax = plt.subplots()\n```\n",
        "```{code-cell}\n:tags: [hide-input]\nax.plot(x)\n```\n",
        "```{code-cell}\naxes[0, 1].plot(x)\n```\n",
    ],
    "figures_without_caption": [
        "```{code-cell}\nfigures.landing()\n```\n",
        "```{code-cell}\nx = 1\nshow.sweep(x, x)\n```\n",
        "```{code-cell}\n---\ntags: [remove-input]\nmystnb:\n  figure:\n    name: fig-a\n"
        "    caption: A.\n---\nfigures.landing()\n```\n",
        "```{code-cell}\n---\nmystnb:\n  figure:\n    name: fig-a\n    caption: A.\n---\n"
        "figures.landing()\n```\n{numref}`fig-a`\n",
    ],
    "tables_by_hand": [
        '```{code-cell}\nprint("\\n".join(lines))\n```\n',
        "```{code-cell}\nrows = ['a  b']\n```\n",
        "```{code-cell}\nrows.append('a')\n```\n",
    ],
    "long_cells": [
        "```{code-cell}\n" + "x = 1\n" * 13 + "```\n",
        "```{code-cell}\n:tags: [hide-output]\n" + "x = 1\n" * 13 + "```\n",
        "```{code-cell}\nx = " + "1 + " * 30 + "1\n```\n",
    ],
    "statements_without_source": [
        "```{prf:lemma}\n:label: lem-a\n\nLet $a$ be.\n```\n",
        "```{prf:lemma}\n\n{own}`new` Let $a$ be.\n```\n",
        "```{prf:theorem}\n:label: thm-a\n\nLet {own}`new` $a$ be.\n```\n",
        "```{prf:theorem}\n:label: thm-a\n\n{own}`new` {paper}`old` Let $a$ be.\n```\n",
        "````{admonition} A\n```{prf:corollary}\n:label: c\n\nSo.\n```\n````\n",
    ],
    "statements_without_proof": [
        GOOD_STATEMENT,
        GOOD_STATEMENT + "```{prf:definition}\nA.\n```\n" + PROOF,
        GOOD_STATEMENT + GOOD_STATEMENT + PROOF,
    ],
    "exercises_without_solution": [
        "```{exercise}\n:label: ex-a\nProve it.\n```\n",
        "```{exercise}\nProve it.\n```\n",
        "```{exercise}\n:label: ex-a\nProve it.\n```\n```{solution} ex-a\nDone.\n```\n",
        "```{solution} ex-b\n:class: dropdown\nDone.\n```\n",
    ],
    "leftovers": ["TODO: prove\n", "The rest is coming soon.\n", "Lorem ipsum dolor\n"],
    "terms_linked_twice": [
        "A {term}`loss`.\n\nA {term}`Loss`.\n",
        "A {term}`loss` is a {term}`loss`.\n",
        "A {term}`bregman  ball`.\n\n```{note}\n{term}`balls\n<Bregman\nball>`\n```\n",
        "```{prf:lemma} On a {term}`norm`\nA\n{term}`norm`.\n```\n",
        "::::{quiz} Which {term}`norm`?\n\n1. This {term}`norm`.\n::::\n",
    ],
    "disorder_in_glossary": [
        "```{glossary}\nnorm\n  One.\n\nAdam\n  Two.\n```\n",
        "```{glossary}\nnorm\n  One.\n\nNorm\n  Two.\n```\n",
        "```{glossary}\nPL inequality\n  One.\n\np-norm\n  Two.\n```\n",
        "```{glossary}\nAdam\n\nnorm\n  Two.\n```\n",
    ],
}


@pytest.mark.parametrize("rule", rules.PAGE_RULES, ids=lambda rule: rule.__name__)
def test_rule_accepts_what_is_right(rule) -> None:
    assert rule(Page("good.md", GOOD[rule.__name__])) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [(rule, text) for rule in rules.PAGE_RULES for text in BAD[rule.__name__]],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_rule_finds_what_is_wrong(rule, text: str) -> None:
    assert rule(Page("bad.md", text)) != []


def test_repeated_labels_are_found() -> None:
    first = Page("a.md", "```{prf:lemma}\n:label: lem-a\n```\n(sec-a)=\n")
    for text in ("(lem-a)=\n", "$$\nx\n$$ (sec-a)\n", "```{figure} a.svg\n:name: lem-a\n```\n"):
        assert len(rules.repeated_labels([first, Page("b.md", text)])) == 1
    assert rules.repeated_labels([first, Page("b.md", "$$\nx\n$$ (eq-a)\n")]) == []


def test_links_and_glossary_must_match() -> None:
    glossary = Page("g.md", "```{glossary}\nAdam\n  See {term}`norm`.\n\nnorm\n  So.\n```\n")
    page = Page("a.md", "A {term}`Norm`.\n")
    assert rules.unknown_terms([page, glossary]) == []
    assert rules.unlinked_terms([page, glossary]) == ["g.md:2: no page links 'Adam'"]
    page = Page("a.md", "\n{term}`Adam`, a {term}`norm`,\n{term}`two <lost>`.\n")
    assert rules.unknown_terms([page, glossary]) == ["a.md:3: the glossary has no 'lost'"]
    assert rules.unlinked_terms([page, glossary]) == []


def test_markers_and_statements_must_match() -> None:
    source = '@pytest.mark.statement("thm-a")\n@pytest.mark.statement("thm-b")\ndef test(): ...\n'
    marked = rules.marked_labels(source)
    assert marked == {"thm-a", "thm-b"}
    assert rules.untested({"thm-a", "thm-b"}, marked) == []
    assert len(rules.untested({"thm-a", "thm-c"}, marked)) == 2


def test_directives_inside_code_are_not_read() -> None:
    text = "````\n```{figure} a.svg\n```\n````\n```{code-cell}\ns = ':::{figure} a'\n```\n"
    assert [d.name for d in Page("a.md", text).directives] == ["code-cell"]
