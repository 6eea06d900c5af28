"""The systems of the papers: what runs, what needs which weights, what nobody can measure."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from codecbench.adapters.registry import CODECS, get_codec
from codecbench.benchmark.paper_systems import (
    Paper,
    PaperWeights,
    find_paper,
    paper_names,
    with_paper_systems,
)
from codecbench.benchmark.suite import find_suite, suite_names
from codecbench.cli.list_command import command
from codecbench.core.construct import option_defaults
from codecbench.core.errors import ConfigError
from codecbench.core.spec import Spec
from codecbench.reports.published_numbers import published_numbers


@pytest.fixture(params=["esc", "hificodec", "patch", "psq"])
def paper(request: pytest.FixtureRequest) -> Paper:
    return find_paper(str(request.param))


def test_all_four_papers_have_suite_and_systems() -> None:
    assert paper_names() == ["esc", "hificodec", "patch", "psq"]
    assert {f"paper/{name}" for name in paper_names()} <= set(suite_names())
    with pytest.raises(ConfigError, match="esc, hificodec, patch, psq"):
        find_paper("opus")


def test_every_system_says_how_or_why_not(paper: Paper) -> None:
    assert "arXiv:" in paper.source
    for system in paper.systems:
        if not system.spec:
            assert system.unavailable
            assert system.missing() == f"not measured: {system.unavailable}"
            continue
        spec = Spec.parse(system.spec.replace("{file}", "x"))
        assert spec.options.keys() <= option_defaults(CODECS.load(spec.name)).keys()
        if system.files:
            assert "{file}" in system.spec
            for word in (system.files[0], system.where, system.licence, "not measured"):
                assert word
                assert word in system.missing()
        else:
            get_codec(system.spec)


def test_published_numbers_are_found(paper: Paper) -> None:
    for system in paper.systems:
        name, rates = system.published
        there = {number.kbps for number in published_numbers() if number.system == name}
        assert set(rates) <= there


def test_rates_of_hificodecs_table_are_those_of_the_networks() -> None:
    # Same networks with random weights, since rates hang on them alone.
    networks = {
        "Encodec (Facebook), 8 and 12 codebooks": "encodec:codebooks=8|12",
        "Encodec (ours), 24 kHz, 240, 8 codebooks": "encodec:variant=24k_240d,codebooks=8",
        "Encodec (ours), 24 kHz, 32, 2 codebooks": "encodec:variant=24k_32d,codebooks=2",
        "Encodec (ours), 16 kHz, 320, 8 codebooks": "encodec:variant=16k_320d,codebooks=8",
        "SoundStream (ours), 16 kHz, 320, 12 codebooks": "encodec:variant=16k_320d,codebooks=12",
        "HiFi-Codec, 24 kHz, 240, 4 codebooks": "hificodec:variant=24k_240d",
        "HiFi-Codec, 24 kHz, 240, 8 codebooks": "hificodec:variant=24k_240d,groups=4",
        "HiFi-Codec, 24 kHz, 320, 4 codebooks": "hificodec:variant=24k_320d",
        "HiFi-Codec, 16 kHz, 320, 4 codebooks": "hificodec:variant=16k_320d",
    }
    systems = find_paper("hificodec").systems
    assert [system.label for system in systems] == list(networks)
    for system in systems:
        points = get_codec(networks[system.label]).points
        assert [point.nominal_bps / 1000 for point in points] == list(system.published[1])


def test_systems_join_a_suite_when_their_weights_lie_there(tmp_path: Path) -> None:
    (tmp_path / "HiFi-Codec-16k-320d").touch()
    (tmp_path / "encodec_16k_320d.pth").touch()
    suite, missing = with_paper_systems(
        find_suite("paper/hificodec"), find_paper("hificodec"), PaperWeights(folder=tmp_path)
    )
    added = [Spec.parse(text) for text in suite.codecs if "checkpoint" in text]
    assert [spec.name for spec in added] == ["encodec", "hificodec"]
    assert added[0].options["checkpoint"] == (str(tmp_path / "encodec_16k_320d.pth"),)
    assert len(missing) == 7
    assert all("not measured" in line for line in missing)
    assert any("HiFi-Codec-24k-240d from Dongchao/AcademiCodec" in line for line in missing)


def test_list_shows_rows_with_published_numbers() -> None:
    told = CliRunner().invoke(command, ["papers"]).output
    assert "SoundStream (ours), 16 kHz, 320, 12 codebooks" in told
    assert "published  pesq_wb 3.26 at 6 kbit/s" in told
    assert "here       not measured: no weights are public" in told
