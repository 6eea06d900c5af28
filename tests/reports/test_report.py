"""The report folder and its page: complete, deterministic, and deaf to what names try to do."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from codecbench.reports.report import write_report

ATTACK = '"><script>document.title="owned"</script><img src=x onerror=alert(1)>'
FIGURE_FILES = ("csv", "pdf", "png", "svg", "txt")
VOID = {"meta", "img", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """Collects tags, links and ids, and checks that elements nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        values = dict(attrs)
        self.handlers += [name for name in values if name.startswith("on")]
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[name] for name in ("href", "src") if values.get(name)]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read_page(folder: Path) -> Page:
    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    assert not page.open
    return page


def test_the_folder_has_its_layout(report_folder):
    tables = {"overview", "failures", "rates", "forensics", "systems", "metrics", "codebooks"}
    wanted = {f"tables/{name}.{kind}" for name in tables for kind in ("csv", "md", "tex")}
    for metric in ("pesq_wb", "stoi", "mcd"):
        for table in (
            metric,
            *(f"{kind}.{metric}" for kind in ("at_equal_rate", "bd", "by_duration")),
        ):
            wanted |= {f"tables/{table}.{kind}" for kind in ("csv", "md", "tex")}
        for figure in (
            f"rate_quality_{metric}",
            f"distribution_{metric}",
            "signals",
            "metric_pair",
        ):
            wanted |= {f"figures/{figure}.{kind}" for kind in FIGURE_FILES}
    # ESC has rates here at which ESC's authors have published PESQ.
    wanted |= {f"tables/published.pesq_wb.{kind}" for kind in ("csv", "md", "tex")}
    wanted |= {"data/results.csv", "data/results.parquet", "data/suite.json"}
    wanted |= {"data/environment.json", "index.html", "tables/forensics_clips.csv"}
    found = {
        path.relative_to(report_folder).as_posix()
        for path in report_folder.rglob("*")
        if path.is_file()
    }
    assert wanted <= found
    assert {path.partition(".")[0] for path in found - wanted} <= {"tables/published"}


def test_every_link_of_the_page_leads_somewhere(report_folder):
    page = read_page(report_folder)
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        elif not link.startswith("data:image/svg+xml;base64,"):
            assert (report_folder / link).is_file(), link
    linked = set(page.links)
    tables = {f"tables/{path.name}" for path in (report_folder / "tables").iterdir()}
    figures = {f"figures/{path.name}" for path in (report_folder / "figures").iterdir()}
    assert tables | figures <= linked


def test_the_page_needs_no_network_and_no_script(report_folder):
    text = (report_folder / "index.html").read_text(encoding="utf-8")
    page = read_page(report_folder)
    assert "script" not in page.tags
    assert "http://" not in text
    assert "https://" not in text
    assert "default-src 'none'" in text


def test_the_page_says_what_was_run_what_failed_and_why(report_folder):
    words = " ".join(" ".join(read_page(report_folder).words).split())
    for wanted in (
        "Run r0 on synthetic",
        "crashed:SIGSEGV",
        'not available: pip install "codecbench[neural]"',
        "too_short",
        "untrained",
        "output is 0.50 ms early",
        "corrected for skewness, over 12 speakers",
        "P.862.2; 16 kHz",
        "packages.pesq",
    ):
        assert wanted in words, wanted


def test_the_same_results_give_the_same_files(synthetic, tmp_path):
    systems = [synthetic.system(name, [6000, 9000, 12000]) for name in ("one", "two")]
    results = synthetic.make_results(
        systems, synthetic.METRICS[:2], [f"c{number}" for number in range(9)],
        lambda _m, _s, point, clip: (point.nominal_bps / 3e4 + clip / 20) / 2,
        speakers=[f"s{number}" for number in range(9)],
    )  # fmt: skip
    for name in ("first", "second"):
        write_report(results, tmp_path / name)
    paths = [path for path in sorted((tmp_path / "first").rglob("*")) if path.is_file()]
    assert len(paths) > 40
    for path in paths:
        again = tmp_path / "second" / path.relative_to(tmp_path / "first")
        assert again.read_bytes() == path.read_bytes(), path.name


@pytest.fixture(scope="module")
def attacked(synthetic, tmp_path_factory) -> Path:
    """A report in which whatever a user can name is an attack."""
    metric = replace(synthetic.PESQ, name=f"m{ATTACK}", definition=ATTACK, source=ATTACK)
    facts = synthetic.system(
        f"c{ATTACK}", [6000, 12000], "neural",
        version=ATTACK, fingerprint=ATTACK, licence=ATTACK, source=ATTACK,
    )  # fmt: skip
    gone = synthetic.system(f"g{ATTACK}", [], unavailable=f"x: {ATTACK}")
    clips = [f"{ATTACK}{number}" for number in range(3)]
    results = synthetic.make_results(
        [facts, gone],
        [metric],
        clips,
        lambda _m, _s, _p, clip: 2.0 + clip if clip else f"failed:{ATTACK}",
        speakers=[ATTACK] * 3,
        dataset=ATTACK,
        name=ATTACK,
    )
    out = tmp_path_factory.mktemp("attacked")
    write_report(results, out)
    return out


def test_names_from_users_are_inert(attacked):
    page = read_page(attacked)
    assert "script" not in page.tags
    assert page.tags.count("img") == 3  # curves, clip by clip, signals
    assert page.handlers == []
    assert any(ATTACK in word for word in page.words)


def test_no_name_leaves_the_folder(attacked):
    assert {path.name for path in attacked.iterdir()} == {"index.html", "tables", "figures", "data"}
    assert all(path.is_file() for path in (attacked / "tables").iterdir())


def test_several_conditions_have_a_figure_each(synthetic, tmp_path):
    results = synthetic.make_results(
        [synthetic.system("one", [6000, 9000])], [synthetic.PESQ], ["a", "b"], lambda *_: 3.0,
        conditions=("clean", "noise 20 dB"),
    )  # fmt: skip
    write_report(results, tmp_path)
    names = {path.name for path in (tmp_path / "figures").glob("*pesq_wb*.png")}
    assert names == {
        "distribution_pesq_wb_clean.png",
        "distribution_pesq_wb_noise_20_db.png",
        "rate_quality_pesq_wb_clean.png",
        "rate_quality_pesq_wb_noise_20_db.png",
    }


def test_two_runs_make_one_report(synthetic, tmp_path):
    def one(label, name):
        return synthetic.make_results(
            [synthetic.system(label, [6000])], [synthetic.STOI], ["a", "b"], lambda *_: 0.8,
            name=name,
        )  # fmt: skip

    index = write_report([one("left", "r0"), one("right", "r1")], tmp_path)
    words = " ".join(read_page(index.parent).words)
    assert "left" in words
    assert "right" in words


@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_needs_no_sideways_scrolling(report_folder, browser, width):
    with browser.visit(width=width) as visitor:
        visitor.go(report_folder / "index.html")
        apart = visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert apart <= 0
        assert visitor.trouble == []


def test_attacks_do_not_run_in_a_browser(attacked, browser):
    with browser.visit() as visitor:
        visitor.go(attacked / "index.html")
        assert visitor.page.title().startswith("Speech codecs compared")
        assert visitor.page.evaluate("document.scripts.length") == 0
        assert visitor.trouble == []
