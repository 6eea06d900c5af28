"""How HiFi-Codec is trained: mel distances, three discriminators, codebooks by gradients.

Source:
    Yang et al., "HiFi-Codec", arXiv:2305.02765, section 3, and the official code, commit b6ac134,
    ``academicodec/models/hificodec/train.py``, where the two differ.
"""

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from math import prod

import torch
from torch import Tensor
from torch.nn import functional

from codecbench.adapters.neural.hificodec_model import HifiCodecConfig, HifiCodecModel
from codecbench.adapters.neural.layers.vector_quantizer import VectorQuantizer
from codecbench.training.adversary import duel
from codecbench.training.codebook_care import CodebookCare, Phase, RecentBatches
from codecbench.training.discriminators import multi_scale_stft, period, scale
from codecbench.training.discriminators.conv_stack import Discriminator
from codecbench.training.hificodec_forward import layers, quantize, run
from codecbench.training.losses.adversarial import Verdicts, feature_distance
from codecbench.training.losses.hifigan_mel import HifiCodecMelDistance
from codecbench.training.losses.log_mel_distance import LogMelDistance
from codecbench.training.losses.multi_resolution_stft import MultiResolutionStft
from codecbench.training.objective import Export, Objective, Reconstruction, log_entry
from codecbench.training.settings import ObjectiveSettings

ADAM_BETAS = (0.5, 0.9)
_WITH_LOGITS = len(period.PERIODS) + scale.SCALES
"""So many of the discriminators have logits among the features that are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HifiCodecSettings(ObjectiveSettings):
    """What a recipe for HiFi-Codec can set.

    Attributes:
        width: Channels after the encoder's first convolution.
        latent: Channels of the frames.
        channels: After the generator's first convolution.
        groups: Parts of a frame, each with two codebooks.
        mel_weight: Of the distance of mel spectra at the main resolution.
        small_mel_weight: Of that at two finer ones.
        loud_weight: Of a distance of mel spectra in which loud bands count more; not in the paper.
        stft_weight: Of the multi-resolution spectral distance; not in the paper.
        quantizer_weight: Of the quantiser's loss.
        adversarial_from: Step from which there are discriminators.
        adversarial_weight: Of what they say.
        feature_weight: Of the distance of their features.
        period_channels: Of the layers of the multi-period discriminator.
        scale_channels: Of those of the multi-scale one.
        stft_channels: Of those of the multi-scale STFT one.
        look_up_from: Step from which there are codes.
        start_batches: Batches from which codebooks start then; 0 leaves them.
        revive_every: Steps between replacements of dead codewords; 0 is never.
        revive_below: Average uses per step that keep a codeword alive.
        bfloat16: Compute the networks in bfloat16 on the CPU too, where it has instructions.
    """

    width: int = 32
    latent: int = 512
    channels: int = 512
    groups: int = 2
    mel_weight: float = 45.0
    small_mel_weight: float = 1.0
    loud_weight: float = 0.0
    stft_weight: float = 0.0
    quantizer_weight: float = 10.0
    adversarial_from: int = 0
    adversarial_weight: float = 1.0
    feature_weight: float = 2.0
    period_channels: tuple[int, ...] = period.CHANNELS
    scale_channels: tuple[int, ...] = scale.CHANNELS
    stft_channels: int = multi_scale_stft.CHANNELS
    look_up_from: int = 0
    start_batches: int = 0
    revive_every: int = 0
    revive_below: float = 0.0
    bfloat16: bool = False


class HifiCodecObjective(Objective[HifiCodecSettings]):
    """Trains one HiFi-Codec network at 16 kHz with 320 samples per frame."""

    settings_type = HifiCodecSettings
    crop_multiple = prod(HifiCodecConfig().rates)

    def __init__(self, settings: HifiCodecSettings, *, steps: int, device: str = "cpu") -> None:
        """Make the codec and its discriminators."""
        super().__init__(settings, steps=steps, device=device)
        config = HifiCodecConfig(
            groups=settings.groups,
            width=settings.width,
            latent=settings.latent,
            channels=settings.channels,
        )
        self.model = HifiCodecModel(config)
        self.add_model(self.model)
        self.optimizers["model"] = self._optimizer(self.model)
        self.discriminator = Discriminator(
            [
                period.multi_period(channels=settings.period_channels),
                scale.multi_scale(channels=settings.scale_channels),
                multi_scale_stft.multi_scale_stft(channels=settings.stft_channels),
            ]
        ).to(device)
        self.networks["discriminator"] = self.discriminator
        self.optimizers["discriminator"] = self._optimizer(self.discriminator)
        self.care = CodebookCare(_books(self.model), least_count=settings.revive_below).to(device)
        self.recent = RecentBatches(max(1, settings.start_batches)).to(device)
        self.phase = Phase().to(device)
        self.networks.update(codebooks=self.care, recent=self.recent, phase=self.phase)
        self.mel = HifiCodecMelDistance().to(device)
        self.loud = LogMelDistance(((1024, 80),)).to(device)
        self.stft = MultiResolutionStft().to(device)
        if settings.look_up_from > 0:
            self.marks["first codes"] = settings.look_up_from
        if settings.adversarial_from > 0:
            self.marks["discriminators"] = settings.adversarial_from

    def _optimizer(self, network: torch.nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(
            network.parameters(), lr=self.settings.learning_rate, betas=ADAM_BETAS
        )

    def autocast(self) -> AbstractContextManager[object]:
        """Compute in bfloat16 on the CPU too, if asked for; see `Objective.autocast`."""
        if self.settings.bfloat16:
            return torch.autocast(self.device, dtype=torch.bfloat16)
        return super().autocast()

    def train_step(self, batch: Tensor, step: int) -> dict[str, float]:
        """Do one step; see `Objective.train_step`."""
        settings = self.settings
        if step >= settings.look_up_from and not self.phase.begun:
            self._start_look_up()
        if not self.phase.begun and settings.start_batches > 0:
            self.recent.keep(batch)
        with self.autocast():
            output = run(self.model, batch, look_up=self.phase.begun)
        main, small = self.mel(output.samples, batch)
        found = {"mel": main, "small_mel": small}
        loss = settings.mel_weight * main + settings.small_mel_weight * small
        if settings.loud_weight > 0:
            found["loud"] = self.loud.both(output.samples, batch)[1]
            loss = loss + settings.loud_weight * found["loud"]
        if settings.stft_weight > 0:
            found["convergence"], found["log_magnitude"] = self.stft(output.samples, batch)
            spectral = found["convergence"] + found["log_magnitude"]
            loss = loss + settings.stft_weight * spectral
        if output.quantized is not None:
            found["quantizer"] = output.quantized.loss
            loss = loss + settings.quantizer_weight * output.quantized.loss
        if step >= settings.adversarial_from:
            found.update(
                duel(self, self.discriminator, output.samples, batch, step, compare=_compare)
            )
            loss = (
                loss
                + settings.adversarial_weight * found["adversarial"]
                + settings.feature_weight * found["features"]
            )
        norm = self.descend("model", loss, rate=self.rate(step))
        revived = 0
        if output.quantized is not None and settings.revive_every > 0:
            self.care.count(output.quantized.codes)
            if (step + 1) % settings.revive_every == 0:
                revived = sum(
                    self.care.revive(index, self._twins(index), vectors)
                    for index, vectors in enumerate(output.quantized.vectors)
                )
        self.update_average()
        return log_entry(loss, found, norm, revived=revived)

    @torch.no_grad()
    def _start_look_up(self) -> None:
        """Go over to quantising, with codebooks from data if asked for."""
        with self.autocast():
            latents = [self.model.encoder(each[:, None]).float() for each in self.recent.batches()]
        # The second layer codes what the first one leaves, so it starts after it.
        for index in range(len(_books(self.model)) if latents else 0):
            found = [quantize(self.model.quantizer, each).vectors[index] for each in latents]
            self.care.start(index, self._twins(index), torch.cat(found))
        self.recent.clear()
        self.phase.begin()

    def _twins(self, index: int) -> list[VectorQuantizer]:
        """Return a codebook of the model and, if there is one, that of its average."""
        average = self.averaged
        assert isinstance(average, HifiCodecModel)  # for the type checker
        both = [self.model] if average is self.model else [self.model, average]
        return [_books(model)[index] for model in both]

    def reconstruct(self, samples: Tensor, point: str) -> Reconstruction:
        """Code and decode one clip, before there are codes without; see `Objective`."""
        del point
        model = self.averaged
        assert isinstance(model, HifiCodecModel)  # for the type checker
        count = len(samples)
        padded = functional.pad(samples, (0, -count % self.crop_multiple))[None]
        if not self.phase.begun:
            return Reconstruction(run(model, padded, look_up=False).samples[0, :count], None, ())
        codes = model.encode(padded)
        sizes = (model.config.codebook_size,) * codes.shape[1]
        return Reconstruction(model.decode(codes)[0, :count], codes[0], sizes)

    def export(self) -> Export:
        """Return the network for the adapter "hificodec"."""
        return Export(self.averaged, asdict(self.model.config))


def _books(model: HifiCodecModel) -> list[VectorQuantizer]:
    return [book for layer in layers(model.quantizer) for book in layer]


def _compare(real: Verdicts, fake: Verdicts) -> Tensor:
    """Compare logits too, but not those of the STFT discriminators; as the official code does."""
    first = feature_distance(real[:_WITH_LOGITS], fake[:_WITH_LOGITS], logits=True)
    return first + feature_distance(real[_WITH_LOGITS:], fake[_WITH_LOGITS:])
