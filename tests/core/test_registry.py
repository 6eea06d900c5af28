"""Names to classes: ours, those of other distributions, those in a file."""

import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import pytest

from codecbench.adapters.registry import CODECS
from codecbench.core.errors import ConfigError, MissingDependencyError, UnknownNameError
from codecbench.core.registry import Registry, is_file_name
from codecbench.metrics.base import Metric
from codecbench.metrics.registry import METRICS

GROUP = "codecbench_test.things"

METRIC_FILE = """
import numpy as np
from codecbench.metrics.base import Metric

class Loudness(Metric):
    name = "loudness"
    outputs = ("loudness",)
    higher_is_better = True
    range = (0.0, 1.0)
    min_seconds = 0.0
    source = "test"

    def __init__(self, *, power: int = 2) -> None:
        self.power = power

    @property
    def definition(self):
        return f"loudness to the power of {self.power}"

    def prepare(self, reference):
        return None

    def score(self, prepared, degraded):
        return {"loudness": float(np.mean(np.abs(degraded.samples) ** self.power))}

class Half(Metric):
    name = "half"

helper = 3
"""


class Thing(ABC):
    """Base of the entries of these tests."""

    @abstractmethod
    def work(self) -> int:
        """Do it."""


class OurThing(Thing):
    """One that is built in."""

    def work(self) -> int:
        """Do it."""
        return 1


THING_MODULE = """
import cb_test_base as base

class Fine(base.Thing):
    def work(self):
        return 2

class Unfinished(base.Thing):
    pass

class Stranger:
    pass
"""


@pytest.fixture
def things() -> Registry:
    return Registry("thing", Thing, {"ours": f"{__name__}:OurThing"}, GROUP)  # type: ignore[type-abstract]


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Lay a distribution with one module and its entry points on the import path."""
    # The tests are no package: the plug-in finds the base class through `sys.modules`.
    monkeypatch.setitem(sys.modules, "cb_test_base", sys.modules[__name__])
    made: list[str] = []

    def make(name: str, entries: dict[str, str], code: str | None = None) -> None:
        folder = tmp_path / name
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{key} = {value}" for key, value in entries.items()]
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n" + "\n".join(lines) + "\n")
        text = THING_MODULE if code is None else code
        (folder / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(folder)
        made.append(name)

    yield make
    for name in made:
        sys.modules.pop(name, None)


Make = Callable[..., None]


def test_a_built_in_name_is_loaded(things: Registry):
    assert things.load("ours") is OurThing
    assert things.names() == ["ours"]


def test_an_unknown_name_is_answered_with_the_nearest(things: Registry):
    with pytest.raises(UnknownNameError, match="unknown thing 'our'; did you mean ours"):
        things.load("our")


def test_an_entry_point_of_another_distribution_is_found(things: Registry, distribution: Make):
    distribution("cb_plug_a", {"fine": "cb_plug_a:Fine", "extra": "cb_plug_a:Fine [speedups]"})
    assert things.names() == ["ours", "extra", "fine"]
    assert things.load("fine")().work() == 2
    assert things.load("extra") is things.load("fine")


def test_the_nearest_name_may_be_a_plug_in(things: Registry, distribution: Make):
    distribution("cb_plug_b", {"wonderful": "cb_plug_b:Fine"})
    with pytest.raises(UnknownNameError, match="did you mean wonderful"):
        things.load("wonderfull")


def test_two_distributions_that_claim_a_name_are_both_named(things: Registry, distribution: Make):
    distribution("cb_plug_c", {"fine": "cb_plug_c:Fine"})
    distribution("cb_plug_d", {"fine": "cb_plug_d:Fine"})
    assert things.names() == ["ours", "fine"]
    with pytest.raises(ConfigError, match="registered by cb_plug_c and cb_plug_d; uninstall one"):
        things.load("fine")


def test_our_own_name_cannot_be_taken_over(things: Registry, distribution: Make):
    distribution("cb_plug_e", {"ours": "cb_plug_e:Fine"})
    assert things.load("ours") is OurThing
    assert things.names() == ["ours"]


def test_names_are_listed_without_importing_anything(things: Registry, distribution: Make):
    distribution("cb_plug_f", {"broken": "cb_plug_f:Fine"}, "raise SystemExit(9)\n")
    assert "broken" in things.names()
    assert "cb_plug_f" not in sys.modules


@pytest.mark.parametrize(
    "code",
    [
        "raise ImportError('old numpy')",
        "raise RuntimeError('two\\nlines')",
        "1 +",
        "Fine = undefined",
        "pass",
    ],
)
def test_a_broken_plug_in_is_one_line_with_its_name(
    things: Registry, distribution: Make, code: str
):
    distribution("cb_plug_g", {"broken": "cb_plug_g:Fine"}, code + "\n")
    with pytest.raises(ConfigError, match="thing 'broken'") as caught:
        things.load("broken")
    assert "\n" not in str(caught.value)
    assert things.load("ours") is OurThing


def test_a_plug_in_that_lacks_a_package_names_it(things: Registry, distribution: Make):
    distribution("cb_plug_h", {"needy": "cb_plug_h:Fine"}, "import cb_not_there.deep\n")
    with pytest.raises(MissingDependencyError, match=r"pip install cb_not_there$") as caught:
        things.load("needy")
    assert caught.value.package == "cb_not_there"


def test_a_typed_error_of_a_plug_in_passes(things: Registry, distribution: Make):
    code = "from codecbench.core.dependency import require\nrequire('cb_not_there')\n"
    distribution("cb_plug_i", {"needy": "cb_plug_i:Fine"}, code)
    with pytest.raises(MissingDependencyError):
        things.load("needy")


def test_what_is_no_subclass_is_refused(things: Registry, distribution: Make):
    distribution("cb_plug_j", {"stranger": "cb_plug_j:Stranger"})
    with pytest.raises(ConfigError, match="not a subclass of Thing"):
        things.load("stranger")


def test_a_class_that_is_not_finished_is_refused_with_what_it_lacks(
    things: Registry, distribution: Make
):
    distribution("cb_plug_k", {"unfinished": "cb_plug_k:Unfinished"})
    with pytest.raises(ConfigError, match="lacks what its contract asks for: work"):
        things.load("unfinished")


def test_a_class_in_a_file_is_loaded(tmp_path: Path, monkeypatch):
    (tmp_path / "mine.py").write_text(METRIC_FILE)
    monkeypatch.chdir(tmp_path)
    cls = METRICS.load("./mine.py:Loudness")
    assert issubclass(cls, Metric)
    assert cls is METRICS.load("./mine.py:Loudness")
    assert cls is METRICS.load(f"{tmp_path}/mine.py:Loudness")


def test_an_edited_file_is_loaded_anew(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(METRIC_FILE)
    before = METRICS.load(f"{path}:Loudness")
    path.write_text(METRIC_FILE.replace("to the power of", "raised to"))
    after = METRICS.load(f"{path}:Loudness")
    assert before is not after
    assert "raised" in after().definition
    assert "raised" not in before().definition


def test_a_class_that_the_file_lacks_is_answered_with_fitting_ones(tmp_path: Path):
    (tmp_path / "mine.py").write_text(METRIC_FILE)
    with pytest.raises(UnknownNameError) as caught:
        METRICS.load(f"{tmp_path}/mine.py:Loudnes")
    assert str(caught.value) == (
        "unknown metric class in mine.py 'Loudnes'; did you mean Loudness?"
    )
    with pytest.raises(UnknownNameError, match=r"known: Loudness$"):
        METRICS.load(f"{tmp_path}/mine.py:Zzz")


def test_a_file_entry_of_the_wrong_kind_is_refused(tmp_path: Path):
    (tmp_path / "mine.py").write_text(METRIC_FILE)
    with pytest.raises(ConfigError, match="not a subclass of Metric"):
        METRICS.load(f"{tmp_path}/mine.py:helper")
    with pytest.raises(ConfigError, match="lacks what its contract asks for"):
        METRICS.load(f"{tmp_path}/mine.py:Half")
    with pytest.raises(ConfigError, match="not a subclass of Codec"):
        CODECS.load(f"{tmp_path}/mine.py:Loudness")


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="no such file"):
        METRICS.load(f"{tmp_path}/none.py:X")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("1 +", ConfigError),
        ("raise RuntimeError('two\\nlines')", ConfigError),
        ("import cb_not_there", MissingDependencyError),
    ],
)
def test_a_broken_file_is_one_line_and_can_be_mended(tmp_path: Path, code: str, error):
    path = tmp_path / "broken.py"
    path.write_text(code)
    with pytest.raises(error, match=r"broken\.py") as caught:
        METRICS.load(f"{path}:X")
    assert "\n" not in str(caught.value)
    path.write_text(METRIC_FILE)
    assert METRICS.load(f"{path}:Loudness")


def test_a_stop_from_the_keyboard_passes(tmp_path: Path):
    path = tmp_path / "slow.py"
    path.write_text("raise KeyboardInterrupt")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            METRICS.load(f"{path}:X")


@pytest.mark.parametrize(
    ("name", "is_file"),
    [
        ("./mine.py:Codec", True),
        ("/a/mine.py:C", True),
        ("opus", False),
        ("my.codec", False),
        ("mine.py", False),
    ],
)
def test_file_names_are_told_from_registered_ones(name: str, is_file: bool):
    assert is_file_name(name) is is_file


def test_listing_our_codecs_and_metrics_loads_none_of_them():
    code = (
        "import sys\n"
        "from codecbench.adapters.registry import CODECS\n"
        "from codecbench.metrics.registry import METRICS\n"
        "assert CODECS.names() and METRICS.names()\n"
        "heavy = {'torch', 'scipy', 'numba', 'av', 'soundfile', 'pandas', 'pyworld', 'visqol'}\n"
        "sys.exit(f'loaded {sorted(heavy & set(sys.modules))}' if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
