"""Every core metric as everybody computes it: the packages called one by one, nothing shared."""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codecbench.metrics.mel_filters import mel_filters
from codecbench.metrics.world import load_world, pkg_resources_at_hand

Signal = NDArray[np.float64]


def pesq_wb(reference: Signal, degraded: Signal) -> float:
    from pesq import pesq

    return float(pesq(16000, reference, degraded, "wb"))


def stoi(reference: Signal, degraded: Signal) -> float:
    import pystoi

    return float(pystoi.stoi(reference, degraded, 16000, extended=False))


def estoi(reference: Signal, degraded: Signal) -> float:
    import pystoi

    return float(pystoi.stoi(reference, degraded, 16000, extended=True))


def mcd(reference: Signal, degraded: Signal) -> float:
    return _mel_cepstral_distortion(reference, degraded, "dio")


def mcd_harvest(reference: Signal, degraded: Signal) -> float:
    return _mel_cepstral_distortion(reference, degraded, "harvest")


def _mel_cepstral_distortion(reference: Signal, degraded: Signal, method: str) -> float:
    world = load_world()
    with pkg_resources_at_hand(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pysptk
    cepstra = []
    for signal in (reference, degraded):
        if method == "dio":
            f0, times = world.dio(signal, 16000)
            f0 = world.stonemask(signal, f0, times, 16000)
        else:
            f0, times = world.harvest(signal, 16000)
        envelope = world.cheaptrick(signal, f0, times, 16000, fft_size=1024)
        cepstra.append(pysptk.sp2mc(envelope, order=24, alpha=0.42))
    difference = (cepstra[0] - cepstra[1])[:, 1:]
    scale = 10.0 / np.log(10.0) * np.sqrt(2.0)
    return float(np.mean(scale * np.sqrt(np.sum(difference**2, axis=1))))


def visqol(reference: Signal, degraded: Signal) -> float:
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode="speech", use_lattice_model=False)
    return float(api.measure_from_arrays(reference, degraded, 16000).moslqo)


def mel_dac(reference: Signal, degraded: Signal) -> float:
    total = 0.0
    for window, mels in zip(
        (32, 64, 128, 256, 512, 1024, 2048), (5, 10, 20, 40, 80, 160, 320), strict=True
    ):
        spectra = []
        taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
        for signal in (reference, degraded):
            padded = np.pad(signal, window // 2, mode="reflect")
            frames = np.lib.stride_tricks.sliding_window_view(padded, window)[:: window // 4]
            magnitude = np.abs(np.fft.rfft(frames * taper, axis=1))
            mel = mel_filters(16000, window, mels, "slaney").apply(magnitude.astype(np.float32))
            spectra.append(np.log10(np.maximum(mel, 1e-5)))
        total += float(np.abs(spectra[0] - spectra[1]).mean())
    return total


def si_sdr(reference: Signal, degraded: Signal) -> float:
    x, y = reference - reference.mean(), degraded - degraded.mean()
    target = (x @ y) / (x @ x) * x
    return float(10 * np.log10((target @ target) / ((y - target) @ (y - target))))


CORE: dict[str, Callable[[Signal, Signal], float]] = {
    "pesq_wb": pesq_wb,
    "stoi": stoi,
    "estoi": estoi,
    "mcd": mcd,
    "visqol": visqol,
    "mel_dac": mel_dac,
    "si_sdr": si_sdr,
}
