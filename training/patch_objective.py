"""How the Spectrogram Patch Codec is trained: first the VQ-VAE on mels, then the vocoder.

Source:
    Chary & Arjona Ramírez, arXiv:2509.02244: a VQ-VAE with commitment loss, a HiFi-GAN trained
    from scratch on reconstructed spectrograms, adversarial losses late. HiFi-GAN's own losses and
    settings: Kong et al., arXiv:2010.05646, sections 2.3 and 3.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.layers.codebook_averages import CodebookAverages
from codecbench.adapters.neural.patch_model import PACKET_SAMPLES, PatchConfig, PatchModel
from codecbench.training.adversary import duel
from codecbench.training.discriminators import patch, period, scale
from codecbench.training.discriminators.conv_stack import Discriminator
from codecbench.training.losses.adversarial import Verdicts, feature_distance
from codecbench.training.losses.log_mel_distance import LogMelDistance
from codecbench.training.losses.multi_resolution_stft import MultiResolutionStft
from codecbench.training.objective import Export, Objective, Reconstruction, log_entry
from codecbench.training.schedule import learning_rate
from codecbench.training.settings import ObjectiveSettings
from codecbench.training.weight_average import WeightAverage

_ADAM_BETAS = (0.8, 0.99)
"""HiFi-GAN, section 3."""
_START_VECTORS = 40_960
"""Vectors that k-means starts the codebook from: ten for each codeword of 4096."""
_POOLS = (2, 4)
"""Factors at which pooled spectrograms are compared too; stands for the paper's LPIPS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchSettings(ObjectiveSettings):
    """What a recipe for the patch codec can set.

    Attributes:
        channels: Of the VQ-VAE.
        blocks: Residual blocks of its encoder, and of its decoder.
        latent: Numbers per codeword.
        codebook_size: Codewords.
        vocoder_channels: 512 is HiFi-GAN's V1, 128 its V2.
        causal: Whether the vocoder sees no later frame.
        vae_steps: Length of the first stage.
        codebook_from: Step of the first stage at which vectors begin to be quantised.
        commitment: Weight of the commitment loss.
        codebook_decay: Of the moving averages that the codebook follows.
        least_count: Average uses per batch below which a codeword is replaced.
        revive_every: Steps between replacements.
        vocoder_learning_rate: At the top of the second stage's schedule.
        vocoder_crop: Samples of each crop that the vocoder is trained with, a multiple of 512.
        mel_weight: Of the distance of logarithmic mel spectra in the second stage.
        loud_weight: Of the distance of mel spectra in which loud bands count more.
        stft_weight: Of the spectral distances in the second stage.
        vae_adversarial_from: Share of the first stage after which a PatchGAN judges its
            spectrograms; 1 is never.
        vae_adversarial_weight: Of what it says.
        vae_feature_weight: Of the distance of its features.
        adversarial_from: Share of the second stage after which HiFi-GAN's discriminators judge the
            waveform; 1 is never.
        adversarial_weight: Of what they say.
        feature_weight: Of the distance of their features.
        period_channels: Of the layers of those that look at periods.
        scale_channels: Of the layers of those that look at scales.
    """

    channels: int = 64
    blocks: int = 2
    latent: int = 32
    codebook_size: int = 4096
    vocoder_channels: int = 128
    causal: bool = False
    vae_steps: int
    codebook_from: int = 0
    commitment: float = 0.25
    codebook_decay: float = 0.99
    least_count: float = 1.0
    revive_every: int = 100
    vocoder_learning_rate: float = 2e-4
    vocoder_crop: int = 8192
    mel_weight: float = 45.0
    loud_weight: float = 0.0
    stft_weight: float = 0.0
    vae_adversarial_from: float = 1.0
    vae_adversarial_weight: float = 0.1
    vae_feature_weight: float = 1.0
    adversarial_from: float = 1.0
    adversarial_weight: float = 1.0
    feature_weight: float = 2.0
    period_channels: tuple[int, ...] = period.CHANNELS
    scale_channels: tuple[int, ...] = scale.CHANNELS


class _StartVectors(nn.Module):
    """The latest vectors, kept for the start of the codebook."""

    def __init__(self, count: int, dimensions: int) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.zeros(count, dimensions))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.vectors: Tensor
        self.seen: Tensor

    def add(self, vectors: Tensor) -> None:
        fresh = vectors[: len(self.vectors)]
        self.vectors.copy_(torch.cat([self.vectors[len(fresh) :], fresh]))
        self.seen += len(fresh)

    def filled(self) -> Tensor:
        return self.vectors[-int(self.seen) :] if self.seen < len(self.vectors) else self.vectors


class PatchObjective(Objective[PatchSettings]):
    """Trains the VQ-VAE for `PatchSettings.vae_steps` steps and the vocoder for the rest."""

    settings_type = PatchSettings
    crop_multiple = PACKET_SAMPLES

    def __init__(self, settings: PatchSettings, *, steps: int, device: str = "cpu") -> None:
        """Make the networks."""
        super().__init__(settings, steps=steps, device=device)
        self.marks = {"vocoder begins": settings.vae_steps}
        self.model = PatchModel(
            PatchConfig(
                channels=settings.channels,
                encoder_blocks=settings.blocks,
                decoder_blocks=settings.blocks,
                latent=settings.latent,
                codebook_size=settings.codebook_size,
                vocoder_channels=settings.vocoder_channels,
                causal=settings.causal,
            )
        )
        self.add_model(self.model)
        codebook = self.model.vae.codebook
        self.averages = CodebookAverages(
            codebook, decay=settings.codebook_decay, least_count=settings.least_count
        ).to(device)
        self.start_vectors = _StartVectors(_START_VECTORS, settings.latent).to(device)
        self.networks |= {"codebook": self.averages, "start": self.start_vectors}
        trained = [each for each in self.model.vae.parameters() if each.requires_grad]
        self.optimizers["vae"] = torch.optim.AdamW(trained, lr=settings.learning_rate)
        self.optimizers["vocoder"] = torch.optim.AdamW(
            self.model.vocoder.parameters(), lr=settings.vocoder_learning_rate, betas=_ADAM_BETAS
        )
        self._add_discriminators()
        self.stft = MultiResolutionStft().to(device)
        self.mel = LogMelDistance(((1024, 80),)).to(device)

    def _add_discriminators(self) -> None:
        settings = self.settings
        if settings.vae_adversarial_from < 1:
            self._add_discriminator("patch_discriminator", patch.PatchDiscriminator())
        if settings.adversarial_from < 1:
            both = [
                period.multi_period(channels=settings.period_channels),
                scale.multi_scale(channels=settings.scale_channels),
            ]
            self._add_discriminator("discriminator", Discriminator(both))

    def _add_discriminator(self, name: str, network: nn.Module) -> None:
        self.networks[name] = network.to(self.device)
        rate = self.settings.vocoder_learning_rate
        self.optimizers[name] = torch.optim.AdamW(network.parameters(), rate, betas=_ADAM_BETAS)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step: each stage has a schedule of its own."""
        settings, begun = self.settings, self.settings.vae_steps
        if step < begun:
            return learning_rate(settings, step, begun)
        stage = replace(settings, learning_rate=settings.vocoder_learning_rate)
        return learning_rate(stage, step - begun, self.steps - begun)

    def train_step(self, batch: Tensor, step: int) -> dict[str, float]:
        """Do one step of the stage that it belongs to; see `Objective.train_step`."""
        if step < self.settings.vae_steps:
            return self._vae_step(batch, step)
        average = self.networks.get("average")
        if step == self.settings.vae_steps and isinstance(average, WeightAverage):
            average.restart(self.model)
        return self._vocoder_step(batch, step)

    def _vae_step(self, batch: Tensor, step: int) -> dict[str, float]:
        settings, vae = self.settings, self.model.vae
        with torch.no_grad():
            mel = self.model.normalized_mel(batch)
        if step < settings.codebook_from:
            vectors = vae.vectors(mel)
            decoded, commitment = vae.reconstruct(vectors), mel.new_zeros(())
            self.start_vectors.add(_rows(vectors))
        else:
            if step == settings.codebook_from:
                with torch.no_grad():
                    self.start_vectors.add(_rows(vae.vectors(mel)))
                self.averages.start(vae.codebook, self.start_vectors.filled())
            decoded, quantized = vae(mel)
            vectors, commitment = quantized.vectors, quantized.commitment
        distance = functional.l1_loss(decoded, mel)
        pooled = mel.new_zeros(())
        for factor in _POOLS:
            pooled = pooled + functional.l1_loss(
                functional.avg_pool2d(decoded, factor), functional.avg_pool2d(mel, factor)
            )
        loss = distance + pooled + settings.commitment * commitment
        found = {"mel_l1": distance, "commitment": commitment}
        if step >= settings.vae_adversarial_from * settings.vae_steps:
            network = self.networks["patch_discriminator"]
            found |= duel(
                self, network, decoded, mel, step, optimizer="patch_discriminator", hinge=True
            )
            loss = loss + settings.vae_adversarial_weight * found["adversarial"]
            loss = loss + settings.vae_feature_weight * found["features"]
        norm = self.descend("vae", loss, rate=self.rate(step))
        if step >= settings.codebook_from:
            rows = _rows(vectors)
            self.averages.update(vae.codebook, rows, quantized.codes.flatten())
            if step % settings.revive_every == 0:
                self.averages.revive(vae.codebook, rows)
        return log_entry(loss, found, norm)

    def _vocoder_step(self, batch: Tensor, step: int) -> dict[str, float]:
        settings, model = self.settings, self.model
        target = batch[:, : settings.vocoder_crop]
        with torch.no_grad():
            mel = model.vae(model.normalized_mel(target))[0]
        with self.autocast():
            decoded = model.vocoder(mel)[:, 0]
        decoded = decoded.float()
        found = dict(zip(("mel", "loud"), self.mel.both(decoded, target), strict=True))
        loss = settings.mel_weight * found["mel"] + settings.loud_weight * found["loud"]
        if settings.stft_weight > 0:
            found["convergence"], found["log_magnitude"] = self.stft(decoded, target)
            spectral = found["convergence"] + found["log_magnitude"]
            loss = loss + settings.stft_weight * spectral
        late = settings.vae_steps + settings.adversarial_from * (self.steps - settings.vae_steps)
        if step >= late:
            found |= duel(
                self, self.networks["discriminator"], decoded, target, step, compare=_compare
            )
            loss = loss + settings.adversarial_weight * found["adversarial"]
            loss = loss + settings.feature_weight * found["features"]
        norm = self.descend("vocoder", loss, rate=self.rate(step))
        self.update_average()
        return log_entry(loss, found, norm)

    def reconstruct(self, samples: Tensor, point: str) -> Reconstruction:
        """Code and, once the vocoder has begun, decode one clip; see `Objective.reconstruct`."""
        del point
        model = self.averaged
        assert isinstance(model, PatchModel)
        given = functional.pad(samples, (0, -len(samples) % PACKET_SAMPLES))[None]
        codes = model.encode(given)
        mel = model.vae.reconstruct(model.vae.words(codes))
        error = functional.l1_loss(mel, model.normalized_mel(given))
        decoded = model.vocoder(mel)[0, 0, : len(samples)] if self._has_vocoder else None
        sizes = (self.settings.codebook_size,) * codes.shape[1]
        return Reconstruction(decoded, codes[0], sizes, {"mel_l1": float(error)})

    @property
    def _has_vocoder(self) -> bool:
        return bool(self.optimizers["vocoder"].state)

    def export(self) -> Export:
        """Return the network for the adapter "patch"."""
        return Export(self.averaged, asdict(self.model.config))

    def start_from(self, tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
        """Begin with another network of the same sizes; see `Objective.start_from`."""
        super().start_from(tensors, config)
        self.averages.sums.copy_(self.model.vae.codebook.embedding.weight)


def _compare(real: Verdicts, fake: Verdicts) -> Tensor:
    """Compare logits too, as HiFi-GAN does."""
    return feature_distance(real, fake, logits=True)


def _rows(vectors: Tensor) -> Tensor:
    """Return ``(batch, latent, 20, columns)`` as ``(vectors, latent)``, without gradients."""
    return vectors.detach().movedim(1, -1).flatten(0, -2)
