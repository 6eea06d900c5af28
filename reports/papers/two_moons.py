"""The toy of the PSQ paper: how a projected scalar quantiser of 3 bits divides a plane.

The paper shows the cells without saying how they came about. Here: two half circles with noise, a
small network on both sides of the codec's own quantiser (three numbers, two levels each), trained
with noise in place of rounding, as the codec is. Seeded, so that it comes out the same.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codecbench.core.dependency import require
from codecbench.core.errors import MissingDependencyError
from codecbench.reports.figures.drawing import COLUMN_WIDTH_IN, Drawing, write_drawing
from codecbench.reports.papers.artefact import Artefact, MissingCell
from codecbench.reports.papers.definition import ArtefactFacts
from codecbench.reports.papers.measured import Measured
from codecbench.reports.style import figure_settings

if TYPE_CHECKING:
    import pandas as pd
    from torch.nn import Module

BITS = 3
_STEPS, _BATCH, _GRID, _SHOWN = 700, 256, 160, 300
_WIDTH = 32
_LIMITS = (-1.8, 2.8, -1.3, 1.8)
_COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#BBBBBB")


def build_two_moons(facts: ArtefactFacts, measured: Measured, name: str, folder: Path) -> Artefact:
    """Train the toy and draw its cells.

    Args:
        facts: What the paper has.
        measured: The run, for the command that made the figure.
        name: Stem of the files.
        folder: Where the figure goes.
    """
    try:
        require("torch")
    except MissingDependencyError as error:
        cell = MissingCell(
            artefact=facts.number, row="the figure", column="cells", reason=str(error)
        )
        return Artefact(facts=facts, name=name, missing=(cell,))
    drawing = draw_cells(train_cells(seed=0))
    figure = write_drawing(folder, name, drawing, title=facts.title, command=measured.made_by)
    return Artefact(facts=facts, name=name, figures=(figure,))


def two_moons(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw points from two half circles that reach into each other, shape (count, 2)."""
    angle = np.pi * rng.random(count)
    upper = rng.random(count) < 0.5
    x = np.where(upper, np.cos(angle), 1.0 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return np.stack([x, y], axis=1) + 0.08 * rng.standard_normal((count, 2))


def train_cells(*, seed: int) -> "pd.DataFrame":
    """Train the toy.

    Returns:
        ``role`` ("cell" for the grid, "data", "value" for what is decoded), ``x, y, code``.
    """
    import pandas as pd
    import torch
    from torch import nn

    from codecbench.adapters.neural.psq_quantizer import ProjectedScalarQuantizer

    rng = np.random.default_rng(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the products are tiny: threads would wait for each other
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = _perceptron(2)
        decoder = _perceptron(_WIDTH, 2)
        quantizer = ProjectedScalarQuantizer(_WIDTH, BITS, 2)
        layers = nn.ModuleList([encoder, quantizer, decoder])
        optimizer = torch.optim.Adam(layers.parameters(), lr=5e-3)
        for step in range(_STEPS):
            optimizer.param_groups[0]["lr"] = 5e-3 * (1 - step / _STEPS)
            points = torch.from_numpy(two_moons(_BATCH, rng)).float()
            latent = quantizer(encoder(points)[..., None]).latent
            loss = ((decoder(latent[..., 0]) - points) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.set_num_threads(threads)
    layers.eval()

    def code(points: NDArray[np.float64]) -> NDArray[np.int64]:
        with torch.no_grad():
            bits = quantizer.encode(encoder(torch.from_numpy(points).float())[..., None])
        found: NDArray[np.int64] = (bits[..., 0].numpy() * 2 ** np.arange(BITS)).sum(axis=1)
        return found

    left, right, low, high = _LIMITS
    grid = np.stack(
        np.meshgrid(np.linspace(left, right, _GRID), np.linspace(low, high, _GRID)), axis=-1
    ).reshape(-1, 2)
    data = two_moons(_SHOWN, rng)
    codes = np.arange(2**BITS)
    with torch.no_grad():
        bits = torch.from_numpy(codes[:, None] >> np.arange(BITS) & 1)
        values = decoder(quantizer.decode(bits[..., None])[..., 0]).numpy().astype(np.float64)
    frames = [
        pd.DataFrame({"role": role, "x": points[:, 0], "y": points[:, 1], "code": of})
        for role, points, of in (
            ("cell", grid, code(grid)),
            ("data", data, code(data)),
            ("value", values, codes),
        )
    ]
    return pd.concat(frames, ignore_index=True)


def _perceptron(inputs: int, outputs: int = _WIDTH) -> "Module":
    from torch import nn

    return nn.Sequential(
        nn.Linear(inputs, _WIDTH),
        nn.Tanh(),
        nn.Linear(_WIDTH, _WIDTH),
        nn.Tanh(),
        nn.Linear(_WIDTH, outputs),
    )


def draw_cells(data: "pd.DataFrame", *, width_in: float = COLUMN_WIDTH_IN + 1.0) -> Drawing:
    """Draw the cells with their numbers, the data, and what each code is decoded to.

    Args:
        data: As `train_cells` gives it, or read back from the CSV beside the figure.
        width_in: Of the figure, in inches.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    cells, points, values = (data[data["role"] == role] for role in ("cell", "data", "value"))
    used = sorted(set(points["code"]))
    with figure_settings():
        figure = Figure(figsize=(width_in, 0.78 * width_in), layout="constrained")
        axes = figure.subplots()
        axes.grid(visible=False)
        shape = (cells["y"].nunique(), cells["x"].nunique())
        codes = cells["code"].to_numpy().reshape(shape)
        axes.imshow(
            codes,
            extent=_LIMITS,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            cmap=ListedColormap(_COLOURS),
            vmin=-0.5,
            vmax=2**BITS - 0.5,
            alpha=0.55,
        )
        for code in sorted(set(cells["code"])):
            axes.contour(
                cells["x"].to_numpy().reshape(shape),
                cells["y"].to_numpy().reshape(shape),
                codes == code,
                levels=[0.5],
                colors="black",
                linewidths=0.8,
            )
        axes.plot(points["x"], points["y"], ".", color="#333333", markersize=2.0, label="data")
        sent = values[values["code"].isin(used)]
        axes.plot(
            sent["x"], sent["y"], "s", color="white", markeredgecolor="black", markersize=11.0,
            linestyle="", label="decoded from the code inside",
        )  # fmt: skip
        for row in sent.to_dict("records"):
            axes.text(row["x"], row["y"], f"{row['code']}", ha="center", va="center", fontsize=8.0)
        axes.set_xlim(_LIMITS[0], _LIMITS[1])
        axes.set_ylim(_LIMITS[2], _LIMITS[3])
        axes.set_xlabel("first dimension")
        axes.set_ylabel("second dimension")
        axes.set_title(f"Cells of a {BITS}-bit projected scalar quantiser", loc="left")
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        figure.canvas.draw()
    alt = (
        f"A plane with two half circles of data, divided into cells by {BITS} bits; "
        f"{len(used)} of {2**BITS} codes occur in the data, and each is decoded to a point on or "
        "near the half circles."
    )
    return Drawing(figure=figure, data=data, alt=alt)
