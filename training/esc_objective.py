"""How ESC is trained: first without look-up, then quantised with streams left out at random.

Source:
    Gu & Diao, "ESC", EMNLP 2024, arXiv:2404.19441, section 3.4 and appendix, and the authors' code
    (MIT, commit 1ec4cf3) for weights of losses and optimisers.
"""

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.nn import functional

from codecbench.adapters.neural.esc_model import (
    HEADS,
    HOP_LENGTH,
    STREAMS,
    WIDTHS,
    EscConfig,
    EscModel,
)
from codecbench.adapters.neural.esc_quantizer import CODEBOOK_SIZE, GROUPS
from codecbench.adapters.neural.layers.vector_quantizer import VectorQuantizer
from codecbench.training.adversary import duel
from codecbench.training.codebook_care import CodebookCare, Phase, RecentBatches
from codecbench.training.discriminators import dac, period
from codecbench.training.esc_forward import Output, run
from codecbench.training.losses.esc_distances import EscMelDistance, compressed_distance
from codecbench.training.objective import Export, Objective, Reconstruction, log_entry
from codecbench.training.settings import ObjectiveSettings

FRAME = 320
"""Samples per frame of codes; signals are 80 samples shorter than whole frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscSettings(ObjectiveSettings):
    """What a recipe for ESC can set.

    Attributes:
        depth: Transformer blocks per layer.
        widths: Channels at each level.
        heads: Of the attention at each level.
        codebook_dims: Dimensions of the codewords of each stream.
        pretraining_steps: Steps without look-up; the optimiser starts afresh after them.
        dropout_rate: How often fewer than six streams are sent, once there is look-up.
        weight_decay: Of AdamW.
        commitment_weight: Of the distance from vectors to codewords.
        codebook_weight: Of the distance from codewords to vectors.
        mel_weight: Of the distance of mel spectra.
        stft_weight: Of the distance of compressed spectra.
        adversarial_weight: Of what the discriminator says; above 0 there is one, after
            pre-training.
        feature_weight: Of the distance of its features.
        discriminator_clip_norm: Largest norm of its gradient.
        period_channels: Of its layers that look at periods.
        band_channels: Of its layers that look at spectra.
        start_batches: Batches from which codebooks start when look-up starts; 0 leaves them.
        revive_every: Steps between replacements of dead codewords; 0 is never.
        revive_below: Average uses per step that keep a codeword alive.
        bfloat16: Compute the network in bfloat16 on the CPU too, where it has instructions for it.
    """

    depth: int = 2
    widths: tuple[int, ...] = WIDTHS
    heads: tuple[int, ...] = HEADS
    codebook_dims: tuple[int, ...] = (8,) * STREAMS
    pretraining_steps: int = 0
    dropout_rate: float = 0.75
    weight_decay: float = 0.01
    commitment_weight: float = 0.25
    codebook_weight: float = 1.0
    mel_weight: float = 0.25
    stft_weight: float = 1.0
    adversarial_weight: float = 0.0
    feature_weight: float = 0.0
    discriminator_clip_norm: float = 10.0
    period_channels: tuple[int, ...] = period.CHANNELS
    band_channels: int = dac.BAND_CHANNELS
    start_batches: int = 0
    revive_every: int = 0
    revive_below: float = 0.0
    bfloat16: bool = False


class EscObjective(Objective[EscSettings]):
    """Trains one ESC network for all its rates."""

    settings_type = EscSettings
    crop_multiple = FRAME
    points = ("1", "2", "3", "6")

    def __init__(self, settings: EscSettings, *, steps: int, device: str = "cpu") -> None:
        """Make the network, and the discriminator if there is one."""
        super().__init__(settings, steps=steps, device=device)
        config = EscConfig(
            depth=settings.depth,
            codebook_dims=settings.codebook_dims,
            widths=settings.widths,
            heads=settings.heads,
        )
        self.model = EscModel(config)
        self.add_model(self.model)
        self.optimizers["model"] = self._optimizer()
        self.care = CodebookCare(_books(self.model), least_count=settings.revive_below).to(device)
        self.networks["codebooks"] = self.care
        self.recent = RecentBatches(max(1, settings.start_batches)).to(device)
        self.networks["recent"] = self.recent
        self.mel = EscMelDistance().to(device)
        if settings.adversarial_weight > 0:
            self._add_discriminator()
        # Saved with the state: validation must know whether there is look-up already.
        self.phase = Phase().to(device)
        self.networks["phase"] = self.phase
        if settings.pretraining_steps > 0:
            self.marks["end of pre-training"] = settings.pretraining_steps

    def _optimizer(self) -> torch.optim.AdamW:
        return torch.optim.AdamW(
            self.model.parameters(),
            lr=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
        )

    def _add_discriminator(self) -> None:
        settings = self.settings
        self.discriminator = dac.DacDiscriminator(
            period_channels=settings.period_channels, band_channels=settings.band_channels
        ).to(self.device)
        self.networks["discriminator"] = self.discriminator
        self.optimizers["discriminator"] = torch.optim.AdamW(
            self.discriminator.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )

    def autocast(self) -> AbstractContextManager[object]:
        """Compute in bfloat16 on the CPU too, if asked for; see `Objective.autocast`."""
        if self.settings.bfloat16:
            return torch.autocast(self.device, dtype=torch.bfloat16)
        return super().autocast()

    @property
    def looks_up(self) -> bool:
        """Whether there are codes yet."""
        return self.phase.begun

    def train_step(self, batch: Tensor, step: int) -> dict[str, float]:
        """Do one step; see `Objective.train_step`."""
        settings = self.settings
        samples = batch[:, :-HOP_LENGTH]
        if step >= settings.pretraining_steps and not self.looks_up:
            self._start_look_up()
        if not self.looks_up and settings.start_batches > 0:
            self.recent.keep(samples)
        streams = self._draw_streams()
        with self.autocast():
            output = run(self.model, samples, streams, look_up=self.looks_up)
        spectrum = self.model.ft(samples)[..., : output.spectrum.shape[-1]]
        found = {
            "commitment": output.commitment,
            "codebook": output.codebook,
            "mel": self.mel(output.samples, samples),
            "stft": compressed_distance(output.spectrum, spectrum),
        }
        loss = (
            settings.commitment_weight * found["commitment"]
            + settings.codebook_weight * found["codebook"]
            + settings.mel_weight * found["mel"]
            + settings.stft_weight * found["stft"]
        )
        if settings.adversarial_weight > 0 and self.looks_up:
            found.update(
                duel(
                    self,
                    self.discriminator,
                    output.samples,
                    samples,
                    step,
                    clip_norm=settings.discriminator_clip_norm,
                )
            )
            loss = (
                loss
                + settings.adversarial_weight * found["adversarial"]
                + settings.feature_weight * found["features"]
            )
        norm = self.descend("model", loss, rate=self.rate(step))
        revived = self._care(output, step) if self.looks_up else 0
        self.update_average()
        return log_entry(loss, found, norm, streams=streams, revived=revived)

    def _draw_streams(self) -> int:
        if not self.looks_up or float(torch.rand(())) >= self.settings.dropout_rate:
            return STREAMS
        return int(torch.randint(1, STREAMS + 1, ()))

    @torch.no_grad()
    def _start_look_up(self) -> None:
        """Go over to quantising: with a fresh optimiser, and codebooks from data if asked for."""
        if self.settings.pretraining_steps > 0:
            self.optimizers["model"] = self._optimizer()
        batches = self.recent.batches()
        books, average = _books(self.model), self._average_books()
        # Each stream codes what those before it have left, so they start one after the other.
        for stream in range(STREAMS if batches else 0):
            with self.autocast():
                outputs = [run(self.model, each, STREAMS).streams[stream] for each in batches]
            for group in range(GROUPS):
                vectors = torch.cat([each.vectors[group].flatten(0, 1) for each in outputs])
                index = stream * GROUPS + group
                self.care.start(index, [books[index], *average[index : index + 1]], vectors)
        self.recent.clear()
        self.phase.begin()

    def _care(self, output: Output, step: int) -> int:
        """Count codes, and now and then replace codewords that nobody uses."""
        settings = self.settings
        if settings.revive_every == 0:
            return 0
        self.care.count([each for stream in output.streams for each in stream.codes])
        if (step + 1) % settings.revive_every:
            return 0
        books, average = _books(self.model), self._average_books()
        vectors = [each for stream in output.streams for each in stream.vectors]
        return sum(
            self.care.revive(
                index, [books[index], *average[index : index + 1]], each.detach().flatten(0, 1)
            )
            for index, each in enumerate(vectors)
        )

    def _average_books(self) -> list[VectorQuantizer]:
        average = self.averaged
        assert isinstance(average, EscModel)  # for the type checker
        return [] if average is self.model else _books(average)

    def reconstruct(self, samples: Tensor, point: str) -> Reconstruction:
        """Code and decode one clip, before there are codes without; see `Objective`."""
        model = self.averaged
        assert isinstance(model, EscModel)  # for the type checker
        length = FRAME * -(-(len(samples) + HOP_LENGTH) // FRAME) - HOP_LENGTH
        padded = functional.pad(samples, (0, length - len(samples)))[None]
        if not self.looks_up:
            decoded = run(model, padded, int(point), look_up=False).samples
            return Reconstruction(decoded[0, : len(samples)], None, ())
        codes = model.encode(padded, int(point))
        decoded = model.decode(codes)
        sizes = (CODEBOOK_SIZE,) * (GROUPS * int(point))
        return Reconstruction(decoded[0, : len(samples)], codes[0].flatten(0, 1), sizes)

    def export(self) -> Export:
        """Return the network for the adapter "esc"."""
        return Export(self.averaged, asdict(self.model.config))


def _books(model: EscModel) -> list[VectorQuantizer]:
    """Return all codebooks, stream by stream."""
    return [book for stream in range(STREAMS) for book in model.quantizer(stream).books()]
