"""Distance of complex spectra whose magnitudes are compressed: it knows phases, unlike the others.

Source:
    Braun & Tashev, arXiv:2009.12286, section 3.2, for losses on compressed complex spectra.
"""

from torch import Tensor, nn
from torch.nn import functional

from codecbench.adapters.neural.layers.stft import CausalStft
from codecbench.adapters.neural.psq_model import HOP, N_FFT, WINDOW, compress


class CompressedSpectrumDistance(nn.Module):
    """Mean squared distance of real and imaginary parts, magnitudes raised to the power 0.3.

    Window, hop and compression are those that PSQ codes.
    """

    def __init__(self) -> None:
        """Make the window."""
        super().__init__()
        self.stft = CausalStft(window=WINDOW, hop=HOP, n_fft=N_FFT)

    def forward(self, decoded: Tensor, target: Tensor) -> Tensor:
        """Return the distance, a scalar.

        Args:
            decoded: ``(batch, samples)``, a whole number of hops of 160.
            target: Of the same shape; gets no gradient.
        """
        wanted = compress(self.stft(target.detach()))
        return functional.mse_loss(compress(self.stft(decoded)), wanted)
