"""The book's Sphinx extension: what it writes, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_nb", "sphinx_proof", "sphinx_exercise", "bookext"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
mathjax3_config = {{}}
nb_execution_mode = "off"
numfig = True
"""

STATEMENT = """# Page

```{prf:theorem} Same end
:label: thm-same

{paper}`Theorem 2, for $k = 1$` Let $a$ be ($b$), too.
```

```{prf:proof} of the theorem
:class: dropdown

- It is clear.
```

```{prf:proof}
Once more.
```
"""

QUIZ = """# Page

::::{quiz} Where is $W_0$?
:label: quiz-where
:answer: 2

1. Here.

   It is not.

2. There.

   $$a = b$$

   Seen.
::::
"""

EXERCISE = """# Page

````{exercise}
:label: ex-a

Prove it.

```{hint}
:class: dropdown

Think.
```
````

```{solution} ex-a
:class: dropdown

Done.
```
"""


def build(folder: Path, pages: dict[str, str], builder: str = "html") -> str:
    """Build some pages into ``folder/out``; return what Sphinx complained about."""
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    index = "# Index\n\n```{toctree}\n" + "\n".join(pages) + "\n```\n"
    for name, text in {"index": index, **pages}.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", builder, str(folder), f"{folder}/out"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("html")
    pages = {"statement": STATEMENT, "exercise": EXERCISE, "quiz": QUIZ}
    assert build(folder, pages) == ""
    return {name: (folder / "out" / f"{name}.html").read_text(encoding="utf-8") for name in pages}


def test_statement_and_proofs(html: dict[str, str]) -> None:
    page = html["statement"]
    assert (
        '<p class="statement-source"><span class="source-badge source-paper">'
        "<strong>Paper</strong> · Theorem 2, for <span" in page
    )
    assert '<summary class="admonition-title">Proof of the theorem</summary>' in page
    assert '<p class="admonition-title">Proof</p>' in page
    assert 'id="proof"' not in page and "proof-content" not in page


def test_punctuation_stays_with_its_formula(html: dict[str, str]) -> None:
    kept = r'<span class="keep">(<span class="math notranslate nohighlight">\(b\)</span>),</span>'
    assert f"be {kept} too." in html["statement"]


def test_exercise(html: dict[str, str]) -> None:
    page = html["exercise"]
    assert '<summary class="admonition-title">Hint</summary>' in page
    assert '<summary class="admonition-title">Solution to Exercise 1</summary>' in page
    assert "exercise-content" not in page and "solution-content" not in page


def test_quiz(html: dict[str, str]) -> None:
    page = html["quiz"]
    assert '<form class="quiz" id="quiz-where">' in page
    assert page.count('type="radio"') == 2
    assert "<legend>Where is <span" in page
    assert '<details class="quiz-answers"><summary>Answer</summary>' in page
    assert '<div class="quiz-feedback" data-choice="2" data-right="true">' in page


def test_no_script_of_an_unused_extension(html: dict[str, str]) -> None:
    for page in html.values():
        assert "thebe" not in page and "togglebutton.js" not in page
        assert "embed" not in page and "require.js" not in page


@pytest.mark.parametrize("builder", ["text", "latex"])
def test_other_builders_write_everything(tmp_path: Path, builder: str) -> None:
    statement = STATEMENT
    if builder == "text":  # which sphinx-proof does not write theorems for
        statement = statement.replace("{prf:theorem}", "{admonition}")
        statement = statement.replace(":label: thm-same\n", "")
    assert build(tmp_path, {"statement": statement, "quiz": QUIZ}, builder) == ""
    files = [*(tmp_path / "out").glob("*.txt"), *(tmp_path / "out").glob("*.tex")]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    for part in ("Paper", "Theorem 2, for", "Proof of the theorem", "Where is", "There."):
        assert part in text
    order = ("There.", "Choice 1: not quite.", "Choice 2: right.")
    assert sorted(order, key=text.index) == list(order)


def test_mistakes_are_reported(tmp_path: Path) -> None:
    mistakes = {
        "statement-without-label": STATEMENT.replace(":label: thm-same\n", ""),
        "statement-without-badge": STATEMENT.replace("{paper}`Theorem 2, for $k = 1$` ", ""),
        "statement-with-two-badges": STATEMENT.replace("Let $a$", "Let {own}`a`"),
        "badge-not-first": STATEMENT.replace("{paper}", "Then {paper}"),
        "quiz-with-impossible-answer": QUIZ.replace(":answer: 2", ":answer: 3"),
        "quiz-without-answer": QUIZ.replace(":answer: 2\n", ""),
        "quiz-without-label": QUIZ.replace(":label: quiz-where\n", ""),
        "quiz-without-feedback": QUIZ.replace("   It is not.\n", ""),
        "quiz-without-list": QUIZ.replace("1. Here.", "Here."),
        "notation-of-no-group": "# Page\n\n```{notation-table} Nothing\n```\n",
    }
    # Labels of their own, so that nothing but the mistake is wrong.
    pages = {
        name: text.replace("thm-same", f"thm-{name}").replace("quiz-where", f"quiz-{name}")
        for name, text in mistakes.items()
    }
    complaints = build(tmp_path, {**pages, "good": STATEMENT})
    assert [name for name in pages if f"{name}.md" not in complaints] == []
    assert "good.md" not in complaints
