"""From the features of ViSQOL to an opinion score: exponential fit, lattice network, SVR.

The two trained models are files of google/visqol that visqol-python carries. Each is pinned by its
hash: another file under the same name is refused, never used for a score of the same name.
"""

from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codecbench.core.dependency import FIXES, require
from codecbench.core.errors import MetricError, MissingDependencyError
from codecbench.core.fingerprint import hash_bytes
from codecbench.metrics.visqol_analysis import Features

FIT_A, FIT_B, FIT_X0, FIT_SCALE = -262.847869, 0.0154302525, -361.063949, 1.245063
"""Fit on TCD-VoIP; google/visqol 38d0b016, speech_similarity_to_quality_mapper.cc."""

LATTICE_FILE = (
    "lattice_tcditugenmeetpackhref_ls2_nl60_lr12_bs2048_learn.005_ep2400_train1_7_raw.tflite"
)
LATTICE_SHA256 = "4bd031d6c95594ae2cd1d471aa6611bff26b3bbf816528431ff1741bcd798dc6"
SVR_FILE = "libsvm_nu_svr_model.txt"
SVR_SHA256 = "1e8246ed33bf36dc5c859351f7110f2cd31f98661989715c0fcf974ec48d3e2e"

DISSIMILAR = 0.15
"""Overall NSIM below which the score is 1 whatever the mapper says; visqol.cc."""


def map_exponential(features: Features, *, scaled: bool = True) -> float:
    """Map by the exponential fit of speech mode.

    Args:
        features: Of a pair in speech mode.
        scaled: Stretch so that a perfect match has 5 (as the papers' tools do) instead of 4.02.

    Returns:
        Score in [1, 5].
    """
    if features.overall < DISSIMILAR:
        return 1.0
    score = FIT_A + float(np.exp(FIT_B * (features.overall - FIT_X0)))
    return min(max(score * (FIT_SCALE if scaled else 1.0), 1.0), 5.0)


def read_model(name: str, sha256: str) -> bytes:
    """Read a model file of visqol-python, without importing that package.

    Raises:
        MissingDependencyError: The package is absent or carries another file.
    """
    package, fix = "visqol-python", FIXES["visqol"]
    spec = find_spec("visqol")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder) / "model" / name
        if path.is_file():
            content = path.read_bytes()
            if hash_bytes(content) != sha256:
                detail = f"its {name} is not the one that this metric is defined by"
                raise MissingDependencyError(package, fix, detail=detail)
            return content
    detail = f"its {name} is missing" if spec else ""
    raise MissingDependencyError(package, fix, detail=detail)


class SvrMapper:
    """Maps the mean NSIM of each band by the nu-SVR with a Gaussian kernel of audio mode."""

    @cached_property
    def _model(self) -> tuple[float, float, NDArray[np.float64], NDArray[np.float64]]:
        return parse_svr(read_model(SVR_FILE, SVR_SHA256).decode())

    def load(self) -> None:
        """Read the model.

        Raises:
            MissingDependencyError: It cannot be had.
        """
        _ = self._model

    def map(self, features: Features) -> float:
        """Return the score in [1, 5] of a pair in audio mode."""
        if features.overall < DISSIMILAR:
            return 1.0
        gamma, rho, weights, vectors = self._model
        distances = ((vectors - features.mean) ** 2).sum(axis=1)
        score = float(weights @ np.exp(-gamma * distances)) - rho
        return min(max(score, 1.0), 5.0)


def parse_svr(text: str) -> tuple[float, float, NDArray[np.float64], NDArray[np.float64]]:
    """Read a regression model with a Gaussian kernel in the text format of libsvm.

    Returns:
        gamma, rho, weights of shape ``(vectors,)``, support vectors ``(vectors, features)``.
    """
    head, _, body = text.partition("\nSV\n")
    facts = dict(line.split(" ", 1) for line in head.splitlines())
    rows = [line.split() for line in body.splitlines() if line]
    weights = np.array([float(row[0]) for row in rows])
    entries = [[pair.split(":") for pair in row[1:]] for row in rows]
    vectors = np.zeros((len(rows), max(int(index) for row in entries for index, _ in row)))
    for vector, row in zip(vectors, entries, strict=True):
        for index, value in row:  # features that are zero are left out of the file
            vector[int(index) - 1] = float(value)
    return float(facts["gamma"]), float(facts["rho"]), weights, vectors


class LatticeMapper:
    """Maps all features by the deep lattice network of speech mode, run by LiteRT."""

    TAU = 0.5
    """Quantile that the network is asked for; tflite_quality_mapper.cc."""

    @cached_property
    # Any: LiteRT publishes no types.
    def _runner(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
        litert = require("ai_edge_litert.interpreter")
        model = read_model(LATTICE_FILE, LATTICE_SHA256)
        # Reference kernels: no vector code chosen by the processor, so the same score everywhere;
        # within 6e-6 of Google's values like the others, and twice as fast on so small a network.
        interpreter = litert.Interpreter(
            model_content=model,
            num_threads=1,
            experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
        )
        interpreter.allocate_tensors()
        return interpreter.get_signature_runner("predict")

    def load(self) -> None:
        """Read the model and make the interpreter.

        Raises:
            MissingDependencyError: One of them cannot be had.
        """
        _ = self._runner

    def map(self, features: Features) -> float:
        """Return the score of a pair in speech mode.

        Raises:
            MetricError: The network gave something that is no score.
        """
        if features.overall < DISSIMILAR:
            return 1.0
        inputs = {"tau": np.array([self.TAU], dtype=np.float32)}
        for name, values in (
            ("fvnsim", features.mean),
            ("fvnsim10_", features.low),
            ("fstdnsim", features.deviation),
            ("fvdegenergy", features.energy),
        ):
            for band, value in enumerate(values):
                inputs[f"{name}{band}"] = np.array([value], dtype=np.float32)
        score = float(self._runner(**inputs)["predictions"].reshape(-1)[0])
        if not 0.0 < score < 6.0:
            msg = f"the lattice network of ViSQOL gave {score}, which is no opinion score"
            raise MetricError(msg)
        return score
