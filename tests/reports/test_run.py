"""Run as a value."""

import pytest

from codecbench.core.errors import CodecBenchError, UnknownNameError
from codecbench.reports.run import Run, open_run


@pytest.fixture
def run(synthetic, tmp_path):
    class Found(Run):
        """A run whose results are already at hand."""

        def results(self):
            return found

    found = synthetic.realistic()
    return Found(tmp_path)


def test_frame_and_table(run):
    assert len(run.frame()) == 28 * 3 * 36
    assert set(run.table()["metric"]) == {"pesq_wb", "stoi", "mcd"}
    assert len(run.table("stoi")) == 29


def test_rate_quality_is_the_data_of_the_figure(run):
    data = run.rate_quality("pesq_wb")
    assert list(data.loc[data["label"] == "codec2", "payload_bps"]) == [714, 1326, 2448, 3264]


def test_unknown_names_come_with_a_hint(run):
    with pytest.raises(UnknownNameError, match="did you mean pesq_wb"):
        run.rate_quality("pesq")
    with pytest.raises(UnknownNameError, match="clean"):
        run.rate_quality("stoi", condition="noisy")
    with pytest.raises(UnknownNameError, match="metric 'nothing'"):
        run.table("nothing")


def test_the_report_lies_in_the_run_folder(run, synthetic, monkeypatch):
    small = synthetic.make_results(
        [synthetic.system("one", [6000, 9000])], [synthetic.PESQ], ["a", "b"], lambda *_: 3.0
    )
    monkeypatch.setattr(run, "results", lambda: small)
    assert run.report() == run.folder / "report" / "index.html"
    assert (run.folder / "report" / "index.html").is_file()


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(CodecBenchError):
        open_run(tmp_path)


def test_comparisons_are_frames(run):
    at_rates = run.at_rates([3000.0])
    assert set(at_rates["rate_bps"]) == {3000.0}
    assert {"rank_best", "rank_worst", "groups", "n_failed"} <= set(at_rates.columns)
    assert set(run.bd()["anchor"]) == {"opus-cbr"}
    assert set(run.by_groups()["tag"]) == {"duration"}
    with pytest.raises(UnknownNameError, match="system 'nobody'"):
        run.bd("nobody")
