"""NOMAD: how far a degraded signal lies from clean speech, as a network of speech hears it."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from codecbench.core.audio import Audio
from codecbench.core.audio_file import AUDIO_SUFFIXES, read_audio
from codecbench.core.checkpoint import checkpoint_sha256, read_checkpoint
from codecbench.core.dependency import require
from codecbench.core.errors import ConfigError, MissingWeightsError
from codecbench.core.fingerprint import hash_json
from codecbench.core.resampling import resample
from codecbench.metrics.base import Metric

if TYPE_CHECKING:
    from torch import Tensor

    from codecbench.metrics.nomad_model import NomadModel

WEIGHTS_FILE = "nomad_best_model.pt"
_RATE = 16000
_FORMULA = (
    "Euclidean distance of embeddings of unit length; embedding: mean over time of the last hidden "
    "states of wav2vec 2.0 BASE as fine-tuned for NOMAD, ReLU, linear to 256; 16 kHz, the whole "
    "signal as it is: no normalisation, no alignment"
)


class Nomad(Metric):
    """NOMAD of a signal against its own reference, or against a set of clean speech.

    Its weights do not come with codecbench: fetch ``nomad_best_model.pt`` and say where it is, with
    ``--nomad-weights`` or as ``nomad:weights=…``. Neither fairseq nor the file of wav2vec 2.0 is
    needed.
    """

    name: ClassVar[str] = "nomad"
    outputs: ClassVar[tuple[str, ...]] = ("nomad",)
    higher_is_better: ClassVar[bool] = False
    range: ClassVar[tuple[float, float]] = (0.0, 2.0)
    sample_rate: ClassVar[int | None] = _RATE
    min_seconds: ClassVar[float] = 400 / _RATE
    tolerance: ClassVar[float] = 1e-3
    source: ClassVar[str] = "Ragano, Skoglund and Hines, ICASSP 2024, arXiv:2309.16284"
    formula: ClassVar[str] = (
        "|e(y) - e(x)|, e = L2norm(W ReLU(mean over time of h) + b), h the last hidden states of "
        "wav2vec 2.0 BASE as fine-tuned for NOMAD"
    )
    domain: ClassVar[str] = (
        "speech at 16 kHz. With its own reference it is the variant of the PSQ paper; without "
        "(`mode=non_matching`) it is the mean distance to a set of clean speech, which must be "
        "named with every number"
    )
    caveats: ClassVar[str] = (
        "Sensitive to level: the signal is not normalised. The package's own scores have three "
        "decimals, resample with torchaudio and, in its non-matching mode, use four sentences "
        "where the paper used 899. The mapping of names was checked against the class of the "
        "published file, not against the file; a leftover tensor is an error. The licence of the "
        "weights is not stated; the code is MIT."
    )
    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    modules: ClassVar[tuple[str, ...]] = ("torch", "transformers")

    def __init__(
        self,
        *,
        weights: str | None = None,
        mode: Literal["full_reference", "non_matching"] = "full_reference",
        references: str | None = None,
    ) -> None:
        """Check the options.

        Args:
            weights: Path of ``nomad_best_model.pt``; without it all cells are skipped.
            mode: Against the clip's own reference, or against `references`.
            references: Folder of clean speech for ``non_matching``.

        Raises:
            ConfigError: ``non_matching`` without references, or references without it.
        """
        if (mode == "non_matching") != (references is not None):
            msg = "nomad: mode=non_matching and references=FOLDER go together"
            raise ConfigError(msg)
        self.weights, self.mode, self.references = weights, mode, references
        self._clean: list[Tensor] | None = None

    @property
    def definition(self) -> str:
        """Everything that determines the score."""
        path = self._weights_path()
        weights = f"sha256 {checkpoint_sha256(path)}" if path is not None else "absent"
        if self.references is None:
            return f"nomad: {_FORMULA}; to the own reference; weights {weights}"
        files = _sound_files(self.references)
        digest = hash_json([checkpoint_sha256(file) for file in files])[:16]
        against = f"mean over {len(files)} clean signals, sha256 {digest}"
        return f"nomad: {_FORMULA}; {against}; weights {weights}"

    def require_modules(self) -> None:
        """Import torch and transformers, and look for the weights.

        Raises:
            MissingDependencyError: A package is absent or broken.
            MissingWeightsError: The weights are not there.
        """
        super().require_modules()
        self._require_weights()

    def prepare(self, reference: Audio) -> "Tensor | None":
        """Embed the reference, unless the clean signals of a set are what counts.

        Raises:
            MissingWeightsError: The weights are not there.
            CheckpointError: They are something else.
        """
        return self._embed(reference) if self.references is None else None

    def score(self, prepared: "Tensor | None", degraded: Audio) -> Mapping[str, float]:
        """Return the distance."""
        from codecbench.metrics.nomad_model import distance

        embedding = self._embed(degraded)
        if prepared is not None:
            return {"nomad": distance(embedding, prepared)}
        clean = self._clean_embeddings()
        return {"nomad": sum(distance(embedding, one) for one in clean) / len(clean)}

    def _weights_path(self) -> Path | None:
        path = Path(self.weights).expanduser() if self.weights is not None else None
        return path if path is not None and path.is_file() else None

    def _require_weights(self) -> Path:
        path = self._weights_path()
        if path is None:
            where = f"no file '{self.weights}'" if self.weights else "no weights were given"
            msg = (
                f"nomad: {where}; fetch {WEIGHTS_FILE}, which "
                "https://github.com/alessandroragano/nomad links to, and say --nomad-weights FILE"
            )
            raise MissingWeightsError(msg)
        return path

    def _embed(self, audio: Audio) -> "Tensor":
        torch = require("torch")
        path = self._require_weights()
        model = _load_model(path, checkpoint_sha256(path))
        with torch.inference_mode():
            embedding: Tensor = model(torch.from_numpy(audio.samples.copy()))
        return embedding

    def _clean_embeddings(self) -> "list[Tensor]":
        if self._clean is None:
            assert self.references is not None  # checked by __init__ and by the caller
            files = _sound_files(self.references)
            self._clean = [self._embed(resample(read_audio(file), _RATE)) for file in files]
        return self._clean


@lru_cache(maxsize=1)
def _load_model(path: Path, sha256: str) -> "NomadModel":
    del sha256  # part of the key
    from codecbench.metrics.nomad_model import NomadModel, load_nomad

    torch = require("torch")
    with torch.random.fork_rng(devices=[]):
        model = NomadModel()
    load_nomad(model, read_checkpoint(path).tensors, what=f"NOMAD from '{path.name}'")
    return model.eval().requires_grad_(False)


def _sound_files(folder: str) -> list[Path]:
    files = sorted(
        path for path in Path(folder).expanduser().rglob("*") if path.suffix in AUDIO_SUFFIXES
    )
    if not files:
        msg = f"nomad: no sound files in '{folder}'"
        raise ConfigError(msg)
    return files
