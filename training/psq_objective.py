"""How PSQ is trained: noise for rounding, spectral distances, late adversarial losses.

Source:
    Brendel et al., arXiv:2405.08417, sections II-D and III-C.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from codecbench.adapters.neural.psq import FRAMES_PER_SECOND, HOP, PACKET_SAMPLES
from codecbench.adapters.neural.psq_model import PsqConfig, PsqModel
from codecbench.core.checkpoint import plain_name
from codecbench.core.errors import ConfigError
from codecbench.training.adversary import duel
from codecbench.training.discriminators.melgan import WIDEST, WIDTH, melgan_ensemble
from codecbench.training.losses.log_mel_distance import LogMelDistance
from codecbench.training.losses.multi_resolution_stft import MultiResolutionStft
from codecbench.training.objective import Export, Objective, Reconstruction, log_entry
from codecbench.training.settings import ObjectiveSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PsqSettings(ObjectiveSettings):
    """What a recipe for PSQ can set.

    Attributes:
        bitrate: In bit/s, a multiple of 50.
        levels: Values of each code; for "vq" codewords of each codebook.
        mode: What stands for rounding: "noise" and "straight_through" for the scalar quantiser;
            "vq" trains residual vector quantisation instead.
        hard_from: Share of the training after which "noise" gives way to "straight_through", so
            that the decoder learns from values as they are sent; 1 is never.
        stft_weight: Of the spectral distances.
        mel_weight: Of the distance of logarithmic mel spectra.
        loud_weight: Of the distance of mel spectra in which loud bands count more.
        adversarial_from: Share of the training after which discriminators take part; 1 is never.
        adversarial_weight: Of what they say.
        feature_weight: Of the distance of their features.
        discriminator_width: Channels of their first layer.
        discriminator_widest: Most channels of any of their layers.
    """

    bitrate: int = 3000
    levels: int = 8
    mode: Literal["noise", "straight_through", "vq"] = "noise"
    hard_from: float = 1.0
    stft_weight: float = 1.0
    mel_weight: float = 0.0
    loud_weight: float = 0.0
    adversarial_from: float = 1.0
    adversarial_weight: float = 1.0
    feature_weight: float = 10.0
    discriminator_width: int = WIDTH
    discriminator_widest: int = WIDEST


class PsqObjective(Objective[PsqSettings]):
    """Trains one PSQ network for one bit rate."""

    settings_type = PsqSettings
    crop_multiple = PACKET_SAMPLES

    def __init__(self, settings: PsqSettings, *, steps: int, device: str = "cpu") -> None:
        """Make the network.

        Raises:
            ConfigError: Bit rate and levels do not fit together.
        """
        super().__init__(settings, steps=steps, device=device)
        width = (settings.levels - 1).bit_length()
        dimensions, rest = divmod(settings.bitrate, FRAMES_PER_SECOND * max(1, width))
        if rest or not dimensions or settings.levels < 2:
            msg = (
                f"psq: bitrate={settings.bitrate} is no multiple of {FRAMES_PER_SECOND} frames of "
                f"{width} bits, which levels={settings.levels} need"
            )
            raise ConfigError(msg)
        config = PsqConfig(
            dimensions=dimensions,
            levels=settings.levels,
            quantizer="rvq" if settings.mode == "vq" else "scalar",
        )
        mode = "straight_through" if settings.mode == "straight_through" else "noise"
        self.model = PsqModel(config, mode=mode)  # type: ignore[arg-type]
        self.add_model(self.model)
        self.optimizers["model"] = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate
        )
        if settings.adversarial_from < 1:
            self._add_discriminator()
        self.stft = MultiResolutionStft().to(device)
        self.mel = LogMelDistance().to(device)

    def _add_discriminator(self) -> None:
        settings = self.settings
        self.discriminator = melgan_ensemble(
            width=settings.discriminator_width, widest=settings.discriminator_widest
        ).to(self.device)
        self.networks["discriminator"] = self.discriminator
        self.optimizers["discriminator"] = torch.optim.AdamW(
            self.discriminator.parameters(), lr=settings.learning_rate
        )
        self.marks["discriminators"] = round(settings.adversarial_from * self.steps)

    def train_step(self, batch: Tensor, step: int) -> dict[str, float]:
        """Do one step; see `Objective.train_step`."""
        settings = self.settings
        if settings.mode == "noise" and step >= settings.hard_from * self.steps:
            self.model.quantizer.mode = "straight_through"
        with self.autocast():
            output = self.model(batch)
        decoded = output.samples.float()
        target = batch[:, : decoded.shape[1]]
        convergence, logarithmic = self.stft(decoded, target)
        found = {
            "convergence": convergence,
            "log_magnitude": logarithmic,
            "quantizer": output.quantized.loss,
        }
        loss = settings.stft_weight * (convergence + logarithmic) + output.quantized.loss
        if settings.mel_weight > 0 or settings.loud_weight > 0:
            found["mel"], found["loud"] = self.mel.both(decoded, target)
            loss = loss + settings.mel_weight * found["mel"]
            loss = loss + settings.loud_weight * found["loud"]
        if step >= settings.adversarial_from * self.steps:
            found.update(duel(self, self.discriminator, decoded, target, step))
            loss = loss + settings.adversarial_weight * found["adversarial"]
            loss = loss + settings.feature_weight * found["features"]
        norm = self.descend("model", loss, rate=self.rate(step))
        self.update_average()
        return log_entry(loss, found, norm)

    def reconstruct(self, samples: Tensor, point: str) -> Reconstruction:
        """Code and decode one clip; see `Objective.reconstruct`."""
        del point
        model = self.averaged
        assert isinstance(model, PsqModel)
        length = -(-(len(samples) + HOP) // PACKET_SAMPLES) * PACKET_SAMPLES
        codes = model.encode(functional.pad(samples, (0, length - len(samples)))[None])
        decoded = model.decode(codes)[0, : len(samples)]
        return Reconstruction(decoded, codes[0], model.quantizer.codebook_sizes)

    def export(self) -> Export:
        """Return the network for the adapter "psq"."""
        return Export(self.averaged, asdict(self.model.config))

    def start_from(self, tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
        """Begin with another network of PSQ; one of another bit rate gives all but the quantiser.

        Of a file with several networks it is that of this bit rate, or else the first.

        Raises:
            ConfigError: It is no network of PSQ.
        """
        rates = [name for name in config if name.isdigit()]
        if rates:
            rate = str(self.settings.bitrate)
            prefix = f"{rate if rate in rates else rates[0]}."
            tensors = {
                key.removeprefix(prefix): value
                for key, value in tensors.items()
                if key.startswith(prefix)
            }
        own = {plain_name(key): value for key, value in self.model.state_dict().items()}
        quantizer = {
            key: tensors[key] if key in tensors and tensors[key].shape == value.shape else value
            for key, value in own.items()
            if key.startswith("quantizer.")
        }
        others = {key: value for key, value in tensors.items() if not key.startswith("quantizer.")}
        super().start_from({**others, **quantizer}, config)
