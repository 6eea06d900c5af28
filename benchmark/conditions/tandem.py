"""Speech that has been coded before."""

from collections.abc import Mapping

import numpy as np

from codecbench.adapters.base import Codec
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import CODECS, get_codec, system_name
from codecbench.benchmark.adapter_hash import adapter_hash
from codecbench.benchmark.conditions.base import Draw, Treated, Treatment
from codecbench.core.audio import Audio
from codecbench.core.construct import resolve_options
from codecbench.core.errors import ConfigError
from codecbench.core.fingerprint import Json
from codecbench.core.resampling import resample
from codecbench.core.spec import Option, Spec


class TandemCondition(Treatment):
    """Codes and decodes with another codec first, at one operating point."""

    name = "tandem"
    definition = "coded and decoded from bytes by the codec, resampled to its rate and back"
    verbatim = True

    def __init__(self, *, tandem: str) -> None:
        """Check the options.

        Args:
            tandem: Codec spec with one operating point.

        Raises:
            ConfigError: The spec cannot be right, or has several points.
        """
        self._spec = Spec.parse(tandem)
        cls = CODECS.load(self._spec.name)
        if any(len(values) > 1 for values in self._spec.options.values()):
            msg = f"condition 'tandem' takes one operating point, found a sweep in '{tandem}'"
            raise ConfigError(msg)
        if cls.rate_option is not None:
            rates = resolve_options(cls, self._spec, sweep=cls.rate_option)[cls.rate_option]
            if isinstance(rates, tuple) and len(rates) > 1:
                msg = (
                    f"condition 'tandem' takes one operating point; give {cls.rate_option}=… "
                    f"to '{tandem}'"
                )
                raise ConfigError(msg)
        self._name = system_name(self._spec)
        self._codec: Codec | None = None

    def shown(self) -> Mapping[str, Option]:
        """Write the codec's spec in its canonical form."""
        return {"tandem": str(self._spec)}

    def content(self) -> Json:
        """Return what determines the codec's bytes."""
        codec = self._loaded()
        return {
            "codec": self._name,
            "version": codec.info.version,
            "fingerprint": codec.info.fingerprint,
            "adapter": adapter_hash(type(codec)),
        }

    def treat(self, audio: Audio, draw: Draw) -> Treated:
        """Code and decode."""
        codec = self._loaded()
        point = codec.points[0]
        encoded = codec.encode(resample(audio, codec.info.sample_rate), point)
        decoded = codec.decode(Encoded.from_bytes(encoded.to_bytes()))
        back = resample(decoded, audio.sample_rate).samples
        # Two roundings of the length can differ by a sample.
        fitted = np.zeros(audio.n_samples, dtype=np.float32)
        fitted[: back.size] = back[: audio.n_samples]
        return Treated(audio=Audio(fitted, audio.sample_rate))

    def _loaded(self) -> Codec:
        if self._codec is None:
            codec = get_codec(self._spec)
            codec.load()
            self._codec = codec
        return self._codec
