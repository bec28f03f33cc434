"""What the repository holds: nothing of the machine it was written on, and nothing half done."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

TOP_LEVEL = {
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "interpreter",
    "clients",
    "models",
    "tests",
    "scripts",
}

# Each is put together here, so that this file does not hold what it looks for.
HOSTS = [
    re.compile(rf"\b{name}\.{end}\b", re.IGNORECASE)
    for name, end in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "(org|com)"),
        ("debian", "org"),
        ("golang", "org"),
        ("crates", "io"),
    ]
]
MACHINE = re.compile(r"(?<![\w.:*}~/-])/(?:work|tmp/w|root|opt|home/\w+|Users/\w+)(?=[/\s\"'`)]|$)")
HALF_DONE = re.compile(rf"\b(?:{'TO'}DO|{'FIX'}ME|{'X' * 3}|raise NotImplemented{'Error'})\b")


def tracked() -> list[Path]:
    """Files that are in the repository or would be added to it."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [
        path for name in listing.decode().split("\0") if name and (path := ROOT / name).exists()
    ]


FILES = tracked()
needs_git = pytest.mark.skipif(not FILES, reason="this folder is no git checkout")


def found(pattern: re.Pattern[str]) -> list[str]:
    """Where a pattern occurs in the text files: `path:line`."""
    places = []
    for path in FILES:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            if pattern.search(line):
                places.append(f"{path.relative_to(ROOT)}:{number}")
    return places


@needs_git
def test_the_top_level_is_tidy() -> None:
    entries = {path.relative_to(ROOT).parts[0] for path in FILES}
    assert not {entry for entry in entries - TOP_LEVEL if not entry.startswith(".")}


@needs_git
@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.pattern)
def test_no_package_registry_is_named(host: re.Pattern[str]) -> None:
    assert not found(host)


@needs_git
def test_no_path_of_one_machine_is_named() -> None:
    assert not found(MACHINE)


@needs_git
def test_nothing_is_half_done() -> None:
    assert not found(HALF_DONE)


def test_the_patterns_find_what_they_are_for() -> None:
    for host in ("https://files.pythonhosted." + "org/x", "registry.npmjs." + "org"):
        assert any(pattern.search(host) for pattern in HOSTS)
    for path in ("/wo" + "rk/main", 'cd "/ro' + 'ot"', "see /ho" + "me/ann/x"):
        assert MACHINE.search(path)
    for harmless in (
        "interpreter/work.py",
        "a/root/b",
        "https://example.eu/home/",
        "~/wo" + "rk/x",
    ):
        assert not MACHINE.search(harmless)
    assert HALF_DONE.search("# TO" + "DO: later")
    assert not HALF_DONE.search("todo el mundo, TODOS")


def test_scripts_can_be_run() -> None:
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_file()]
    assert {"setup", "run", "test", "check", "lock"} <= {path.name for path in scripts}
    for path in [*scripts, ROOT / ".ci" / "run"]:
        assert path.read_text(encoding="utf-8").startswith("#!/"), path.name
        assert os.access(path, os.X_OK), path.name


def pinned(name: str) -> dict[str, list[Requirement]]:
    """What a lock file pins; several versions where markers choose among them."""
    found: dict[str, list[Requirement]] = {}
    text = (ROOT / "scripts" / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            requirement = Requirement(line.rstrip(" \\"))
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


@pytest.mark.parametrize(
    ("lock", "extras"), [("run", ["desk"]), ("test", ["desk", "test"]), ("gpu", ["gpu"])]
)
def test_locks_hold_what_the_project_asks_for(lock: str, extras: list[str]) -> None:
    """`scripts/lock` has to be run when pyproject.toml changes."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = content["project"]
    wanted = [text for extra in extras for text in project["optional-dependencies"][extra]]
    if lock != "gpu":
        wanted += [*project["dependencies"], *content["build-system"]["requires"]]
    pins = pinned(lock)
    for requirement in map(Requirement, wanted):
        versions = pins.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement.name} is missing"
        for pin in versions:
            (version,) = pin.specifier
            assert requirement.specifier.contains(version.version), str(pin)


def test_the_test_lock_contains_the_run_lock() -> None:
    run, test = pinned("run"), pinned("test")
    assert {name: list(map(str, pins)) for name, pins in run.items()} == {
        name: list(map(str, test[name])) for name in run if name in test
    }


@pytest.mark.parametrize("lock", ["run", "test", "gpu"])
def test_every_locked_package_has_hashes(lock: str) -> None:
    text = (ROOT / "scripts" / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert blocks
    assert not [block for block in blocks if "==" not in block or "--hash=sha256:" not in block]


def imported() -> set[str]:
    """Top-level names of what the product imports from elsewhere."""
    found = set()
    for folder in ("interpreter", "clients/desk"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    found.add((node.module or "").split(".")[0])
    return found - sys.stdlib_module_names - {"interpreter", "interpreter_desk"}


def test_everything_imported_is_declared() -> None:
    """Otherwise it is there by luck, as somebody else's dependency, and its version not ours."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"]["desk"]]
    declared = {canonicalize_name(Requirement(text).name) for text in texts}
    homes = packages_distributions()
    names = imported()
    assert "numpy" in names
    assert not {
        name
        for name in names
        if not {canonicalize_name(home) for home in homes.get(name, [])} & declared
    }
