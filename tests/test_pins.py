"""One place for exact versions, and it covers what the extras ask for."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

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


def test_constraints_hold_nothing_but_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(PINS) == sum(1 for line in lines if line and not line.startswith("#"))


def test_every_requirement_is_pinned_within_its_range() -> None:
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["book"], *extras["test"]]
    for requirement in map(Requirement, wanted):
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
