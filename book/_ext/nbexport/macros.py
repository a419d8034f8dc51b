"""Writes the book's macros out, as TeX would, so that any MathJax or KaTeX understands them."""

from __future__ import annotations

import re

import notation

COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)", re.S)
# What takes the next tokens as arguments: a macro there is one token, so its text needs braces.
TAKES = {"^": 1, "_": 1, "\\frac": 2, "\\dfrac": 2, "\\tfrac": 2, "\\binom": 2}
TAKES |= {
    f"\\{name}": 1 for name in ("sqrt", "operatorname", "overline", "underline", "boldsymbol")
}
TAKES |= {f"\\{accent}": 1 for accent in ("dot", "ddot", "bar", "hat", "tilde", "vec")}
TAKES |= {f"\\{wide}": 1 for wide in ("widehat", "widetilde")}
TAKES |= {f"\\math{font}": 1 for font in ("rm", "bf", "bb", "cal", "sf", "it")}


def expand(tex: str) -> str:
    """Write every macro of the notation out.

    Parameters
    ----------
    tex : str
        A formula, without its dollars.

    Returns
    -------
    str
        The same formula in standard LaTeX.
    """
    out, at, owed = "", 0, 0
    while at < len(tex):
        token, at = read(tex, at)
        if token.isspace():
            out += token
            continue
        name = token[1:]
        if token[0] == "{":
            piece = "{" + expand(token[1:-1]) + "}"
        elif token[0] == "\\" and name in notation.macros():
            piece, at = apply(name, tex, at)
            piece = "{" + piece + "}" if owed else piece
        else:
            piece = token
        out = join(out, piece)
        owed = TAKES.get(token, max(owed - 1, 0))
        if token == "\\sqrt" and tex[at : at + 1] == "[":
            end = tex.index("]", at) + 1
            out, at = out + expand(tex[at:end]), end
    return out


def read(tex: str, at: int) -> tuple[str, int]:
    """Read one token: a command, a group in braces, or a character; and where it ends."""
    if command := COMMAND.match(tex, at):
        return command[0], command.end()
    if tex[at] != "{":
        return tex[at], at + 1
    end, depth = at, 0
    while end < len(tex):
        if command := COMMAND.match(tex, end):  # \{ and \} are no braces
            end = command.end()
            continue
        depth += {"{": 1, "}": -1}.get(tex[end], 0)
        end += 1
        if depth == 0:
            return tex[at:end], end
    raise ValueError(f"a brace is not closed in {tex!r}")


def apply(name: str, tex: str, at: int) -> tuple[str, int]:
    """Write one macro out, with the arguments that follow it; and say where they end."""
    macro = notation.macros()[name]
    body, count = (macro, 0) if isinstance(macro, str) else (str(macro[0]), int(macro[1]))
    arguments = []
    for _ in range(count):
        while tex[at : at + 1].isspace():
            at += 1
        if at == len(tex):
            raise ValueError(f"\\{name} lacks an argument in {tex!r}")
        token, at = read(tex, at)
        arguments.append(token[1:-1] if token[0] == "{" else token)
    out = ""
    for part in re.split(r"(#\d)", body):
        out = join(out, arguments[int(part[1]) - 1] if part[:1] == "#" else part)
    return expand(out), at


def join(left: str, right: str) -> str:
    """Put two pieces side by side, so that no command runs into a letter."""
    if right[:1].isalpha() and re.search(r"(?<!\\)(?:\\\\)*\\[A-Za-z]+$", left):
        return f"{left} {right}"
    return left + right
