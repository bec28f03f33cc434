"""Opens Whisper models where they can run: on a graphics card if there is one that works."""

import ctypes
import importlib.util
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..audio import silence, to_float
from ..errors import ModelError
from . import RecognizerSettings

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

log = logging.getLogger(__name__)

_TRIAL_FRAMES = 1000


def open_whisper(settings: RecognizerSettings) -> tuple["WhisperModel", str | None]:
    """The model, and what an administrator should know about where it runs."""
    import ctranslate2

    for name in ("config.json", "model.bin", "tokenizer.json"):
        if not (settings.path / name).is_file():
            raise ModelError(
                "model-missing",
                f"{settings.model} is not installed ({name} is missing); "
                "fetch it with: interpreter models fetch",
            )
    notice = None
    if settings.device != "cpu":
        found = ctranslate2.get_cuda_device_count()
        if found:
            _preload_cuda_libraries()
            try:
                return _open(settings, "cuda"), None
            except Exception as error:  # whatever it is, the processor may still do
                log.warning("%s on CUDA: %s", settings.model, type(error).__name__)
                notice = (
                    f"A graphics card was found, but {settings.model} cannot use it and runs on "
                    "the processor. Install CUDA's libraries with: "
                    "pip install -r scripts/requirements/gpu.txt"
                )
        elif settings.device == "cuda":
            notice = (
                f"No CUDA graphics card was found; {settings.model} runs on the processor. "
                "If there is one, install its driver; CUDA's libraries come with: "
                "pip install -r scripts/requirements/gpu.txt"
            )
    try:
        return _open(settings, "cpu"), notice
    except Exception as error:  # the tokenizer's library raises plain ones
        raise ModelError(
            "model-corrupt",
            f"{settings.model} cannot be loaded ({type(error).__name__}); "
            "fetch it again with: interpreter models fetch",
        ) from error


def _open(settings: RecognizerSettings, device: str) -> "WhisperModel":
    """A model that has proved to work there.

    CTranslate2 looks for cuBLAS and cuDNN at the first call only, hence the trial. On a processor
    there are as many workers as calls fit on its cores; they share the weights.
    """
    from ctranslate2 import StorageView, get_supported_compute_types
    from faster_whisper import WhisperModel

    cores = len(os.sched_getaffinity(0))
    compute_type = "int8"
    if device == "cuda":
        half = "float16" in get_supported_compute_types("cuda")
        compute_type = "float16" if half else "float32"
    model: Any = WhisperModel(
        str(settings.path),
        device=device,
        compute_type=compute_type,
        cpu_threads=settings.threads,
        num_workers=max(1, cores // settings.threads) if device == "cpu" else 1,
        local_files_only=True,
    )
    features = np.zeros((1, model.model.n_mels, _TRIAL_FRAMES), np.float32)
    features[0, :, :100] = model.feature_extractor(to_float(silence(1.0)))[:, :100]
    encoded = model.model.encode(StorageView.from_array(features))
    model.model.generate(
        encoded, [[model.hf_tokenizer.token_to_id("<|startoftranscript|>")]], max_length=4
    )
    loaded: WhisperModel = model
    return loaded


def _preload_cuda_libraries() -> None:
    """Make the libraries of the `gpu` extra findable: the loader does not look where pip puts them.

    What cannot be loaded is left; if it was needed, opening the model fails and says so.
    """
    for package in ("nvidia.cublas", "nvidia.cudnn"):
        try:
            spec = importlib.util.find_spec(package)
        except ModuleNotFoundError:
            continue
        for folder in (spec and spec.submodule_search_locations) or ():
            for library in sorted((Path(folder) / "lib").glob("lib*.so.*")):
                try:
                    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
                except OSError:
                    log.warning("%s cannot be loaded", library.name)
