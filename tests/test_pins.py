"""One place for exact versions; it covers what the extras ask for, and they what is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M
    )
}
# What may be imported where: what installing the library with these extras brings.
FOLDERS = {
    "dspgd_lib": [],
    "book/_ext": ["book"],
    "tests": ["book", "test"],
    "benchmarks": ["book", "test"],
}


def requirements(*extras: str) -> list[Requirement]:
    """What installing the library with some extras asks for."""
    wanted = [r for extra in extras for r in PROJECT["optional-dependencies"][extra]]
    return [Requirement(r) for r in [*PROJECT["dependencies"], *wanted]]


def imports(path: Path) -> Iterator[str]:
    """The packages that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0]


def test_constraints_hold_nothing_but_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(PINS) == sum(1 for line in lines if line and not line.startswith("#"))


def test_every_requirement_is_pinned_within_its_range() -> None:
    for requirement in requirements(*PROJECT["optional-dependencies"]):
        pin = PINS[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin), f"{requirement} is pinned to {pin}"


def test_versions_are_fixed_nowhere_else() -> None:
    assert "==" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "==" not in (ROOT / "requirements.txt").read_text(encoding="utf-8")


def test_pins_install_on_the_oldest_python() -> None:
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    too_new = [
        f"{package.name} {package.version} wants Python {wanted}"
        for package in distributions()
        if canonicalize_name(package.name) in PINS
        and (wanted := package.metadata.get("Requires-Python"))
        and not SpecifierSet(wanted).contains(oldest)
    ]
    assert too_new == []


@pytest.mark.parametrize(("folder", "extras"), FOLDERS.items())
def test_every_import_is_declared(folder: str, extras: list[str]) -> None:
    declared = {canonicalize_name(requirement.name) for requirement in requirements(*extras)}
    files = [path for top in FOLDERS for path in (ROOT / top).rglob("*.py")]
    own = {path.stem for path in files} | {path.parent.name for path in files}
    owners = packages_distributions()
    missing = {
        name
        for path in (ROOT / folder).rglob("*.py")
        for name in imports(path)
        if name not in own | sys.stdlib_module_names
        and declared.isdisjoint(map(canonicalize_name, owners.get(name, [])))
    }
    assert missing == set()
