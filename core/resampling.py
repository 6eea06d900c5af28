"""The one place where signals change their rate (metrics whose definition brings its own aside)."""

import numpy as np

from codecbench.core.audio import Audio, check_sample_rate

RESAMPLER = "soxr-vhq"
"""Name of the resampler as it enters cache keys and records."""


def resample(audio: Audio, sample_rate: int) -> Audio:
    """Resample with soxr at its "very high quality" setting.

    Args:
        audio: Any signal.
        sample_rate: Rate wanted, in Hz.

    Returns:
        The same object where the rate is right already; otherwise a signal of
        ``round(n * sample_rate / audio.sample_rate)`` samples. Overshoot at the band limit is cut
        at full scale and recorded in `Audio.clipped_share`.

    Raises:
        AudioFormatError: The rate is not a positive whole number.

    Source:
        The SoX Resampler library, https://sourceforge.net/projects/soxr/.
    """
    wanted = check_sample_rate(sample_rate)
    if audio.sample_rate == wanted:
        return audio
    return audio.derive(f"{RESAMPLER}:{wanted}", lambda: _resample(audio, wanted))


def _resample(audio: Audio, sample_rate: int) -> Audio:
    # soxr takes 20 ms to import; only signals that change their rate pay for it.
    import soxr

    wanted = resampled_length(audio.n_samples, audio.sample_rate, sample_rate)
    if audio.n_samples == 0:
        return Audio(np.zeros(0, dtype=np.float32), sample_rate)
    out = soxr.resample(audio.samples, audio.sample_rate, sample_rate, quality="VHQ")
    out = out[:wanted]
    if out.size < wanted:
        out = np.pad(out, (0, wanted - out.size))
    return Audio.clip(out, sample_rate)


def resampled_length(n_samples: int, rate_in: int, rate_out: int) -> int:
    """Return the number of samples after resampling, rounded half up."""
    return (2 * n_samples * rate_out + rate_in) // (2 * rate_in)
