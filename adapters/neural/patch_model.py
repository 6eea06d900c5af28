"""The Spectrogram Patch Codec's network: mel spectrogram, VQ-VAE, HiFi-GAN.

Published (arXiv:2509.02244): 16 kHz, 80 mel bands, window 512 and hop 128; the VQ-VAE's patches
and codebook; a HiFi-GAN with upsampling by 4, 4, 4, 2 with kernels 16, 16, 4, 4, trained from
scratch on reconstructed spectrograms. Ours: causal framing, the range of the spectrogram, all
widths and depths, the causal vocoder, and smaller books as beginnings of the large one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codecbench.adapters.neural.layers.hifigan import HifiGanGenerator
from codecbench.adapters.neural.layers.log_mel import LogMel
from codecbench.adapters.neural.patch_vae import PATCH, PatchVae, QuantizedPatches

SAMPLE_RATE = 16000
BANDS = 80
WINDOW = 512
HOP = 128
PACKET_SAMPLES = HOP * PATCH
"""Samples of a column of patches: 32 ms."""
UPSAMPLE_RATES = (4, 4, 4, 2)
UPSAMPLE_KERNELS = (16, 16, 4, 4)
_CENTRE = 5.0
_SPREAD = 5.0
"""Logarithmic magnitudes of speech lie about -5, within a few times 5; ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchConfig:
    """What may differ between two networks.

    Attributes:
        channels: Of the VQ-VAE.
        encoder_blocks: Residual blocks of its encoder; 0 quantises each patch by itself.
        decoder_blocks: Residual blocks of its decoder.
        latent: Numbers per codeword; 512 in the paper.
        codebook_size: Codewords; 4096 in the paper.
        vocoder_channels: 512 is HiFi-GAN's V1, 128 its V2.
        causal: Whether the vocoder sees no later frame; the published one does.
    """

    channels: int = 64
    encoder_blocks: int = 2
    decoder_blocks: int = 2
    latent: int = 32
    codebook_size: int = 4096
    vocoder_channels: int = 128
    causal: bool = False


@dataclass(frozen=True, slots=True)
class PatchOutput:
    """What one pass in training gives.

    Attributes:
        samples: Decoded signal ``(batch, samples)``.
        mel: Normalised spectrogram of the input, ``(batch, 80, frames)``.
        decoded_mel: The same behind the codebook.
        quantized: Vectors, codes and commitment.
    """

    samples: Tensor
    mel: Tensor
    decoded_mel: Tensor
    quantized: QuantizedPatches


class PatchModel(nn.Module):
    """The whole codec; its two halves can be trained one after the other.

    `normalized_mel` and `vae` are all that the first stage needs; the second trains `vocoder` on
    reconstructed spectrograms. `encode` and `decode` are for coding.
    """

    def __init__(self, config: PatchConfig) -> None:
        """Make the layers."""
        super().__init__()
        self.config = config
        self.log_mel = LogMel(
            sample_rate=SAMPLE_RATE,
            window=WINDOW,
            hop=HOP,
            n_fft=WINDOW,
            bands=BANDS,
            high_hz=SAMPLE_RATE / 2,
        )
        self.vae = PatchVae(
            channels=config.channels,
            encoder_blocks=config.encoder_blocks,
            decoder_blocks=config.decoder_blocks,
            latent=config.latent,
            codebook_size=config.codebook_size,
        )
        self.vocoder = HifiGanGenerator(
            BANDS,
            channels=config.vocoder_channels,
            upsample_rates=UPSAMPLE_RATES,
            upsample_kernels=UPSAMPLE_KERNELS,
            causal=config.causal,
        )

    def forward(self, samples: Tensor, size: int | None = None) -> PatchOutput:
        """Code and decode in one pass with gradients.

        Args:
            samples: ``(batch, samples)``, a whole number of packets of 512.
            size: Use the first so many codewords only; all by default.
        """
        mel = self.normalized_mel(samples)
        decoded_mel, quantized = self.vae(mel, size)
        return PatchOutput(self.vocoder(decoded_mel)[:, 0], mel, decoded_mel, quantized)

    def normalized_mel(self, samples: Tensor) -> Tensor:
        """Return what is coded, ``(batch, 80, samples / 128)``, about -1.3 to 1.5 for speech."""
        log_mel: Tensor = self.log_mel(samples)
        return (log_mel + _CENTRE) / _SPREAD

    @torch.no_grad()
    def encode(self, samples: Tensor, size: int | None = None) -> Tensor:
        """Return codes, int64 ``(batch, 20, samples / 512)``, low bands first."""
        return self.vae.search(self.vae.vectors(self.normalized_mel(samples)), size)

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Return samples, ``(batch, 512 · columns)``."""
        mel = self.vae.reconstruct(self.vae.words(codes))
        samples: Tensor = self.vocoder(mel)
        return samples[:, 0]
