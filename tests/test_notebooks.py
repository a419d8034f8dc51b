"""The notebooks made from the chapters: every rule on a snippet, then the whole book."""

from __future__ import annotations

import html
import re
from pathlib import Path

import nbformat
import notation
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbexport import __main__ as command
from nbexport import inline, macros
from nbexport.citations import Bibliography
from nbexport.convert import Chapter, ConversionError, convert
from nbexport.index import Index, read_pages, read_toc
from nbexport.source import Page

ROOT = Path(__file__).parent.parent
HTML = ROOT / "_build" / "html"
NOTEBOOKS = convert(ROOT)
WORKS = Bibliography(ROOT / "book" / "references.bib")
OTHER = (
    "# Other *page*\n\n## A part\n\n```{prf:lemma} Far\n:label: lem-far\n\nSo.\n```\n"
    "```{glossary}\nBregman ball\n  A ball.\n```\n"
)


def cells(text: str) -> list[nbformat.NotebookNode]:
    """Convert a page of chapter 3; drop the line that says how it was made."""
    pages = {"book/page": Page("book/page.md", text), "book/other": Page("book/other.md", OTHER)}
    index = Index(pages, {"book/page": 3, "book/other": 4})
    everything = {"book/page", "book/other"}
    chapter = Chapter("book/page", pages["book/page"], index, WORKS, ROOT, everything)
    made = chapter.notebook().cells
    made[0].source = made[0].source.partition("\n\n")[2]
    return [cell for cell in made if cell.source]


def markdown(text: str) -> str:
    """Convert a page without code to one text."""
    return "\n\n".join(cell.source for cell in cells(text))


# ---------------------------------------------------------------------------------- macros


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"\grad\loss(W)", r"\nabla L(W)"),
        (r"\grad \loss", r"\nabla L"),
        (r"\fro{\inner{A}{\fro{B}}}", r"\lVert \langle A,\, \lVert B \rVert_F \rangle \rVert_F"),
        (r"\fro W", r"\lVert W \rVert_F"),
        (r"\fro\manifold", r"\lVert \mathcal{W} \rVert_F"),
        (r"\inner{a_{b}} {c}", r"\langle a_{b},\, c \rangle"),
        (r"\conj{\loss}", "{L}^{*}"),
        (r"\norm{\{x\}}", r"\lVert \{x\} \rVert"),
        (r"\sqrt\smax", r"\sqrt{\sigma_{\max}}"),
        (r"\sqrt[3]\smax", r"\sqrt[3]{\sigma_{\max}}"),
        (r"\frac\smin\smax\smin", r"\frac{\sigma_{\min}}{\sigma_{\max}}\sigma_{\min}"),
        (r"x_\manifold^\smax", r"x_{\mathcal{W}}^{\sigma_{\max}}"),
        (r"\smin^2 \sminor \\R", r"\sigma_{\min}^2 \sminor \\R"),
        (r"a \\ \R", r"a \\ \mathbb{R}"),
        (r"\mu\loss", r"\mu L"),
    ],
)
def test_macros_are_written_out(tex: str, expected: str) -> None:
    assert macros.expand(tex) == expected


def applied(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Formulas one level deeper."""
    calls = [
        st.tuples(*[children] * (body[1] if isinstance(body, list) else 0)).map(
            lambda given, name=name: "\\" + name + " " + "".join(f"{{{part}}}" for part in given)
        )
        for name, body in notation.macros().items()
    ]
    return st.one_of(*calls, st.lists(children, max_size=3).map("+".join))


@given(st.recursive(st.sampled_from(["x", r"\mu", r"\{", r"\}", "2", ""]), applied, max_leaves=8))
def test_no_macro_survives_and_braces_match(tex: str) -> None:
    written = macros.expand(tex)
    names = set(re.findall(r"\\([A-Za-z]+)", written))
    assert names.isdisjoint(notation.macros())
    bare = re.sub(r"\\.", "", written, flags=re.S)
    assert bare.count("{") == bare.count("}")
    assert macros.expand(written) == written


@pytest.mark.parametrize("tex", [r"\fro", r"\inner{a}", r"\fro{a", r"\sqrt{\fro}"])
def test_incomplete_formulas_are_refused(tex: str) -> None:
    with pytest.raises(ConversionError, match=r"book/page\.md:3: "):
        markdown(f"# P\n\nSee ${tex}$.\n")


# ------------------------------------------------------------------------------ directives

LEMMA = "```{prf:lemma} Of $\\R$\n:label: lem-a\n\n{own}`new, $k = 1$` Let\n\n$$\n\\R\n$$\n```\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            LEMMA,
            '> <a id="lem-a"></a>**Lemma 3.1 (Of $\\mathbb{R}$).**\n>\n'
            "> *This book · new, $k = 1$*\n>\n> Let\n>\n> $$\\mathbb{R}$$",
        ),
        ("```{prf:remark}\nSo.\n```\n", "> **Remark 3.1.**\n>\n> So."),
        (
            "```{prf:proof} of {prf:ref}`lem-far`, `x < 1` and $a<b$\n"
            ":class: dropdown\n\n*A.*\n```\n",
            "<details><summary>Proof of Lemma 4.1, <code>x &lt; 1</code> and $a&lt;b$</summary>"
            "\n\n*A.*\n\n</details>",
        ),
        ("```{note}\nSo\nit is.\n```\n", "> **Note**\n>\n> So\n> it is."),
        (
            ":::{admonition} A hint\n:class: dropdown tip\nSo.\n:::\n",
            "<details><summary>A hint</summary>\n\nSo.\n\n</details>",
        ),
        (
            "````{exercise} T\n:label: ex-a\nDo.\n```{hint}\n:class: dropdown\nSo.\n```\n````\n"
            "```{solution} ex-a\n:class: dropdown\nDone.\n```\n",
            '> <a id="ex-a"></a>**Exercise 3.1 (T).**\n>\n> Do.\n>\n'
            "> <details><summary>Hint</summary>\n>\n> So.\n>\n> </details>\n\n"
            "<details><summary>Solution to Exercise 3.1 (T)</summary>\n\nDone.\n\n</details>",
        ),
        (
            "::::{quiz} Where?\n:label: quiz-a\n:answer: 2\n\n1. Here,\n   near.\n\n"
            "   It is not.\n\n2. There.\n\n   $$a$$\n\n   Seen.\n::::\n",
            '> <a id="quiz-a"></a>**Where?**\n>\n> 1. Here,\n>    near.\n> 2. There.\n>\n'
            "> <details><summary>Answer</summary>\n>\n> **Choice 1: not quite.** It is not.\n>\n"
            "> **Choice 2: right.** $$a$$\n>\n> Seen.\n>\n> </details>",
        ),
        ("1. One:\n\n   ```{note}\n   So.\n   ```\n", "1. One:\n\n   > **Note**\n   >\n   > So."),
        ("```{math}\n:label: eq-m\na\n```\n", "$$a \\tag{3.1}$$"),
        (
            "```{glossary}\nlow\n  A $\\R$:\n\n  $$a$$\n\nPL inequality\n  See {term}`low`.\n```\n",
            '<a id="term-low"></a>**low.** A $\\mathbb{R}$:\n\n$$a$$\n\n'
            '<a id="term-PL-inequality"></a>**PL inequality.** See [low](#term-low).',
        ),
        ("```python\n$x$ {role}`x`\n```\n", "```python\n$x$ {role}`x`\n```"),
    ],
)
def test_directive(text: str, expected: str) -> None:
    assert markdown(text) == expected


def test_a_figure_is_packed_into_the_notebook() -> None:
    text = "```{figure} _static/opening.png\n:name: fig-a\n:alt: a line\n\nIt is $\\R$.\n```\n"
    (cell,) = cells(text + "{numref}`fig-a`")
    assert cell.source.startswith("![a line](attachment:_static-opening.png)")
    assert "**Fig. 3.1** It is $\\mathbb{R}$.\n\n[Fig. 3.1](#fig-a)" in cell.source
    assert list(cell.attachments["_static-opening.png"]) == ["image/png"]


def test_a_figure_from_a_cell_has_its_number_and_caption_below_it() -> None:
    header = "---\ntags: [remove-input]\nmystnb:\n  figure:\n    name: fig-a\n    caption: |\n"
    text = f"```{{code-cell}}\n{header}      It is\n      $\\R$.\n---\nx\n```\n{{numref}}`fig-a`"
    code, caption, text = cells(text)
    assert code.source == "x" and code.metadata["jupyter"] == {"source_hidden": True}
    assert caption.source == '<a id="fig-a"></a>**Fig. 3.1** It is\n$\\mathbb{R}$.'
    assert text.source == "[Fig. 3.1](#fig-a)"


# ------------------------------------------------------------------------- text and links


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "$$\na \\\\\n\\R  % why\n$$ (eq-a)",
            "$$\\begin{aligned} a \\\\ \\mathbb{R} \\end{aligned} \\tag{3.1}$$",
        ),
        ("$$a$$ (eq-a)\n\nBy {eq}`eq-a`.", "$$a \\tag{3.1}$$\n\nBy (3.1)."),
        ("a $x\n\\R$, `$\\R$`, \\$ b", "a $x \\mathbb{R}$, `$\\R$`, \\$ b"),
        ("{prf:ref}`lem-far`", "[Lemma 4.1](other.ipynb#lem-far)"),
        ("{prf:ref}`so {number} <lem-far>`", "[so 4.1](other.ipynb#lem-far)"),
        ("{doc}`other`", "[Other *page*](other.ipynb)"),
        ("[](other.md#a-part)", "[A part](other.ipynb#A-part)"),
        ("[the *$\\R$*](other.md)", "[the *$\\mathbb{R}$*](other.ipynb)"),
        ("[x](https://a.b/c)", "[x](https://a.b/c)"),
        ("(sec-a)=\n## On it\n\n{ref}`sec-a`", "## On it\n\n[On it](#On-it)"),
        ("# P\n(sec-a)=\nSo. [x](#sec-a)", '# P\n<a id="sec-a"></a>\n\nSo. [x](#sec-a)'),
        ("{term}`Bregman\nball`", "[Bregman ball](other.ipynb#term-Bregman-ball)"),
        ("{term}`a *$\\R$* <bregman ball>`", "[a *$\\mathbb{R}$*](other.ipynb#term-Bregman-ball)"),
        ("{classical}`Kantorovich`", "*Classical · Kantorovich*"),
        ("{math}`\\R`", "$\\mathbb{R}$"),
        ("a\n% a remark\n\nb", "a\n\n\nb"),
    ],
)
def test_text(text: str, expected: str) -> None:
    assert markdown(text) == expected


def test_citations() -> None:
    text = markdown(
        "{cite:t}`nesterov1984minimization`, {cite:p}`baillon1977quelques,zhang2020why`"
    )
    assert text.startswith(
        "Nesterov (1984), (Baillon and Haddad, 1977; Zhang et al., 2020)\n\n"
        "## References\n\n- Jean-Bernard Baillon and Georges Haddad. Quelques propriétés"
    )
    assert text.count("\n- ") == 3


@pytest.mark.parametrize(
    ("text", "line", "named"),
    [
        ("# P\n\n```{glue} x\n```\n", 3, "{glue}"),
        ("````{note}\n\n```{margin}\nSo.\n```\n````\n", 3, "{margin}"),
        ("```{note}\n```{code-cell}\n1\n```\n```\n", 2, "code-cell"),
        ("a\n{term}`x`\n", 2, "the glossary has no term 'x'"),
        ("a\n{abbr}`x`\n", 2, "{abbr}"),
        ("````{note}\n:class: a\n\nSo {abbr}`x`.\n````\n", 4, "{abbr}"),
        ("{prf:ref}`lem-none`", 1, "lem-none"),
        ("{cite:t}`nobody`", 1, "nobody"),
        ("(sec-a)=\na [x](none.md)", 2, "none.md"),
        ("[x](#none)", 1, "none"),
        ("![x](none.png)", 1, "none.png"),
        ("So {{ it }} is", 1, "{{ it }}"),
        ("a[^1]", 1, "[^"),
        ("a\n\n:::\n", 3, ":::"),
        ("\\begin{align}a\\end{align}", 1, "align"),
        ("::::{quiz} Q?\n:label: q\n:answer: 1\n\nHere.\n::::\n", 5, "ordered list"),
    ],
)
def test_what_has_no_rule_stops_the_conversion(text: str, line: int, named: str) -> None:
    with pytest.raises(ConversionError) as stopped:
        markdown(text)
    assert str(stopped.value).startswith(f"book/page.md:{line}: ")
    assert named in str(stopped.value)


# ----------------------------------------------------------------------------------- cells


def test_headings_and_breaks_begin_cells() -> None:
    text = "---\na: b\n---\n\n# P\n\nOne.\n\n## Q\n\nTwo.\n\n+++\n\n# R\n```\n# no heading\n```\n"
    sources = [cell.source for cell in cells(text)]
    assert sources == ["# P\n\nOne.", "## Q\n\nTwo.", "# R\n\n```\n# no heading\n```"]


@pytest.mark.parametrize(
    ("options", "metadata"),
    [
        ("", {}),
        (":tags: [remove-input]\n", {"jupyter": {"source_hidden": True}}),
        (":tags: [hide-output]\n", {"jupyter": {"outputs_hidden": True}}),
        (
            "---\nmystnb:\n  image:\n    alt: a\ntags: [raises-exception]\n---\n",
            {"tags": ["raises-exception"]},
        ),
    ],
)
def test_code_cell(options: str, metadata: dict) -> None:
    (cell,) = cells(f"```{{code-cell}} ipython3\n{options}\nx = 1\n\ny = 2\n```\n")
    assert (cell.cell_type, cell.source, cell.metadata) == ("code", "x = 1\n\ny = 2", metadata)


def test_solutions_and_exercises_with_code() -> None:
    code = "```{code-cell}\n1\n```\n"
    text = (
        f"```{{exercise-start}} T\n:label: ex-a\n```\nDo.\n\n{code}```{{exercise-end}}\n```\n"
        f"```{{solution-start}} ex-a\n```\n{code}So.\n```{{solution-end}}\n```\nOn.\n\n{code}"
    )
    exercise, cell, head, hidden, solution, after, last = cells(text)
    assert exercise.source == '> <a id="ex-a"></a>**Exercise 3.1 (T).**\n>\n> Do.'
    assert cell.metadata == last.metadata == {}
    assert head.source.startswith("#### Solution to Exercise 3.1 (T)\n")
    assert hidden.metadata == {"jupyter": {"source_hidden": True}, "tags": ["solution"]}
    assert solution.source == (
        "<details><summary>Text of the solution to Exercise 3.1</summary>\n\nSo.\n\n</details>"
    )
    assert after.source == "On."


# ------------------------------------------------------------------------------- the book


def test_every_page_with_code_has_a_notebook_and_so_has_the_glossary() -> None:
    pages = read_pages(ROOT, list(read_toc(ROOT)))
    chosen = [name for name, page in pages.items() if page.all("code-cell", "glossary")]
    assert list(NOTEBOOKS) == [Path(name).name for name in chosen]
    assert {"normalized-gd", "glossary"} <= set(NOTEBOOKS)


def test_only_a_notebook_with_code_promises_live_figures() -> None:
    for name, notebook in NOTEBOOKS.items():
        header = notebook.cells[0].source.partition("\n\n")[0]
        assert ("live" in header) == any(c.cell_type == "code" for c in notebook.cells), name


def test_terms_lead_to_the_glossary() -> None:
    links = {
        link
        for notebook in NOTEBOOKS.values()
        for cell in notebook.cells
        for link in re.findall(r"\]\(glossary\.ipynb#([\w-]+)\)", cell.source)
    }
    text = "".join(cell.source for cell in NOTEBOOKS["glossary"].cells)
    assert links
    assert links <= set(re.findall(r'<a id="([\w-]+)"></a>', text))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_nothing_of_the_book_s_own_language_survives(name: str) -> None:
    notebook = NOTEBOOKS[name]
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    own = re.compile(rf"\\(?:{'|'.join(notation.macros())})(?![A-Za-z])")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            continue
        assert not re.search(r"`{3,}\{|:::|\{[\w:.-]+\}`|\]\([^)]*\.md", cell.source)
        assert "{{" not in re.sub(r"\$\$?[^$]*\$\$?", "", cell.source)
        assert not own.findall(cell.source)
        assert cell.source.count("<details>") == cell.source.count("</details>")
        for mark in inline.MARK.finditer(cell.source):
            assert "\n" not in (mark["display"] or mark["formula"] or "")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_code_is_that_of_the_chapter(name: str) -> None:
    page = Page(name, (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8"))
    code = ["\n".join(cell.body).strip("\n") for cell in page.all("code-cell")]
    assert [c.source for c in NOTEBOOKS[name].cells if c.cell_type == "code"] == code


def built_page(name: str) -> str:
    """The page of the built book, if that was built from the page as it is now."""
    source = HTML / "_sources" / "book" / f"{name}.md"
    if not source.is_file():
        pytest.skip("the book is not built")
    if source.read_bytes() != (ROOT / "book" / f"{name}.md").read_bytes():
        pytest.skip("the built book is older than its page")
    return (HTML / "book" / f"{name}.html").read_text(encoding="utf-8")


def boxes_of_the_built_page(page: str) -> list[str]:
    """Number and title of every numbered box, and of every solution."""
    titles = re.findall(
        r'class="admonition-title">'
        r'((?:<span class="caption-number">|Solution to).*?)</(?:p|summary)>',
        page,
        re.S,
    )
    return [" ".join(html.unescape(re.sub("<[^>]*>", "", t)).split()) for t in titles]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_numbers_are_those_of_the_built_book(name: str) -> None:
    page = built_page(name)
    text = "\n\n".join(c.source for c in NOTEBOOKS[name].cells if c.cell_type == "markdown")
    heads = re.findall(
        r"^> <a id=[^>]*></a>\*\*(\w+ [\d.]+\d(?: \(.*\))?)\.\*\*$"
        r"|^(?:#### |<details><summary>)(Solution to .*?)(?:</summary>)?$",
        text,
        re.M,
    )
    plain = [inline.as_html(box or solution).replace("$", "") for box, solution in heads]
    built = [re.sub(r"\\[()]", "", title) for title in boxes_of_the_built_page(page)]
    assert [html.unescape(re.sub("<[^>]*>", "", head)) for head in plain] == built
    assert re.findall(r"\\tag\{(.*?)\}", text) == re.findall(r'class="eqno">\(([\d.]+)\)', page)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_references_are_those_of_the_built_book(name: str) -> None:
    built = re.findall(
        r'<a class="reference internal" href="#[\w-]+">(?:<span class="std std-numref">)?'
        r"(\w+ \d[\d.]*|\(\d[\d.]*\))</",
        built_page(name),
    )
    text = "\n\n".join(c.source for c in NOTEBOOKS[name].cells if c.cell_type == "markdown")
    equation = r"(?<![$\w.}\['])\(\d+\.\d+\)"
    assert re.findall(rf"\[(\w+ \d[\d.]*)\]\(#|({equation})", text) == [
        ("", name) if name.startswith("(") else (name, "") for name in built
    ]


def test_the_command_keeps_a_notebook_that_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder, made = Path("notebooks"), NOTEBOOKS["index"]
    folder.mkdir()
    for _ in range(2):
        command.write(folder, "index", made)
        (folder / "index.ipynb").write_text(nbformat.writes(made).replace("Drag", "Pull"))
    command.write(folder, "index", made)
    ran = nbformat.from_dict(made)
    next(c for c in ran.cells if c.cell_type == "code").execution_count = 1
    nbformat.write(ran, folder / "index.ipynb")
    command.write(folder, "index", made)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["index-old-1.ipynb", "index-old-2.ipynb", "index.ipynb"]
    assert "Pull" in (folder / "index-old-1.ipynb").read_text(encoding="utf-8")
    assert nbformat.read(folder / "index.ipynb", as_version=4) == made
    assert capsys.readouterr().out.count("Kept") == 2


# One chapter, the quickest, stands for all: the build has run the same cells of each of them, and
# test_figures shows each figure live.
@pytest.mark.kernel
@pytest.mark.filterwarnings("default")  # the kernel's, not ours
def test_the_chapter_runs_from_top_to_bottom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSPGD_STATIC", raising=False)
    notebook = nbformat.from_dict(NOTEBOOKS["bregman"])
    resources = {"metadata": {"path": str(ROOT)}}
    NotebookClient(notebook, timeout=120, resources=resources).execute()
    outputs = [c.outputs for c in notebook.cells if c.cell_type == "code"]
    shown = [kind for cell in outputs for out in cell for kind in out.get("data", {})]
    assert "application/vnd.jupyter.widget-view+json" in shown
