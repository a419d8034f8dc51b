"""``{quiz}``: a question with choices that answers at once, without a kernel.

The content is one ordered list. The first paragraph of an item is the choice, the rest is the
feedback for it::

    ::::{quiz} Where does it end?
    :label: quiz-where
    :answer: 2

    1. Here.

       Feedback for this choice.

    2. There.

       Feedback for that one.
    ::::

In HTML it is a form; without JavaScript its answers stand in a <details> element. Every other
builder writes the choices and then the answers.
"""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class quiz(nodes.admonition):
    """The whole; the classes below are its parts, in this order."""


class quiz_question(nodes.title):
    """The question."""


class quiz_choices(nodes.enumerated_list):
    """Holds the choices."""


class quiz_choice(nodes.list_item):
    """One choice, with its ``number``."""


class quiz_answers(nodes.container):
    """Holds the feedback."""


class quiz_feedback(nodes.container):
    """The feedback for the choice ``number``, which is ``right`` or not."""


class Quiz(SphinxDirective):
    """Read the question and the list."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {
        "label": directives.unchanged_required,
        "answer": directives.positive_int,
    }

    def run(self) -> list[nodes.Node]:
        """Build the quiz."""
        label, answer = self.options.get("label"), self.options.get("answer")
        if not label or not answer:
            raise self.error("quiz: give a :label: and the number of the right choice as :answer:")
        parsed = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, parsed)
        if len(parsed) != 1 or not isinstance(parsed[0], nodes.enumerated_list):
            raise self.error(f"quiz '{label}': the content must be one ordered list")
        items = parsed[0].children
        if answer > len(items):
            raise self.error(f"quiz '{label}': answer {answer} of {len(items)} choices")

        question, messages = self.state.inline_text(self.arguments[0], self.lineno)
        choices = quiz_choices(enumtype="arabic", prefix="", suffix=".")
        answers = quiz_answers()
        for number, item in enumerate(items, start=1):
            if len(item) < 2 or not isinstance(item[0], nodes.paragraph):
                raise self.error(
                    f"quiz '{label}': choice {number} needs a paragraph, then its feedback"
                )
            first, *rest = item.children
            choices += quiz_choice("", first, number=number, label=label)
            answers += self.feedback(number, number == answer, rest)
        node = quiz("", quiz_question("", "", *question), choices, answers, classes=["quiz"])
        self.options["name"] = label
        self.add_name(node)
        node["label"] = label
        self.set_source_info(node)
        return [node, *messages]

    @staticmethod
    def feedback(number: int, right: bool, content: list[nodes.Node]) -> quiz_feedback:
        """Build the feedback for one choice; its verdict is in words."""
        verdict = f"Choice {number}: right." if right else f"Choice {number}: not quite."
        node = quiz_feedback("", *content, number=number, right=right)
        lead = nodes.strong("", verdict)
        if isinstance(node[0], nodes.paragraph):
            node[0].insert(0, [lead, nodes.Text(" ")])
        else:
            node.insert(0, nodes.paragraph("", "", lead))
        return node


def visit_quiz(self: Any, node: quiz) -> None:
    """Open the form."""
    self.body.append(self.starttag(node, "form"))
    self.body.append("<fieldset>\n")


def depart_quiz(self: Any, node: quiz) -> None:
    """Close the form."""
    self.body.append("</form>\n")


def visit_question(self: Any, node: quiz_question) -> None:
    """Write the question as the group's name."""
    self.body.append(self.starttag(node, "legend", ""))


def depart_question(self: Any, node: quiz_question) -> None:
    """Close it."""
    self.body.append("</legend>\n")


def visit_choices(self: Any, node: quiz_choices) -> None:
    """The choices need no wrapper."""


def depart_choices(self: Any, node: quiz_choices) -> None:
    """Write the button, which quiz.js wakes, and the place for its feedback."""
    self.body.append(
        '<button type="submit" class="quiz-check" disabled hidden>Check</button>\n'
        '<div class="quiz-result" role="status" aria-live="polite"></div>\n</fieldset>\n'
    )


def visit_choice(self: Any, node: quiz_choice) -> None:
    """Write a radio button and begin its label."""
    name, number = node["label"], node["number"]
    self.body.append(
        f'<div class="quiz-choice"><input type="radio" id="{name}-{number}" name="{name}" '
        f'value="{number}"><label for="{name}-{number}">'
    )
    # A label holds text, not a paragraph.
    for child in node[0].children:
        child.walkabout(self)
    self.body.append("</label></div>\n")
    raise nodes.SkipNode


def visit_answers(self: Any, node: quiz_answers) -> None:
    """Open the part that serves a page without JavaScript."""
    self.body.append('<details class="quiz-answers"><summary>Answer</summary>\n')


def depart_answers(self: Any, node: quiz_answers) -> None:
    """Close it."""
    self.body.append("</details>\n")


def visit_feedback(self: Any, node: quiz_feedback) -> None:
    """Open the feedback for one choice."""
    right = "true" if node["right"] else "false"
    attributes = {"data-choice": str(node["number"]), "data-right": right}
    self.body.append(self.starttag(node, "div", CLASS="quiz-feedback", **attributes))


def depart_feedback(self: Any, node: quiz_feedback) -> None:
    """Close it."""
    self.body.append("</div>\n")


def setup(app: Sphinx) -> None:
    """Register the directive; only HTML writes the parts in a way of its own."""
    app.add_directive("quiz", Quiz)
    app.add_node(quiz, html=(visit_quiz, depart_quiz))
    app.add_node(quiz_question, html=(visit_question, depart_question))
    app.add_node(quiz_choices, html=(visit_choices, depart_choices))
    app.add_node(quiz_choice, html=(visit_choice, None))
    app.add_node(quiz_answers, html=(visit_answers, depart_answers))
    app.add_node(quiz_feedback, html=(visit_feedback, depart_feedback))
