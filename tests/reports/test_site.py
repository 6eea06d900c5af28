"""The site in headless Chromium: from files, with the network off."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codecbench.reports.run_sounds import choose_clips
from codecbench.reports.site.cells import json_text
from codecbench.reports.site.write import SiteOptions, write_site

ATTACK = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>'\""
RATE = 16000


def expect(locator):
    """Wait until a locator is as wanted; imported late, since a machine may lack the package."""
    from playwright.sync_api import expect as wait

    return wait(locator)


@pytest.fixture(scope="module")
def site(synthetic, tmp_path_factory) -> Path:
    """A site on the realistic results, with the sound of two clips."""
    folder = tmp_path_factory.mktemp("site")
    results = synthetic.realistic(n_clips=24)
    ids = list(dict.fromkeys(results.frame["clip"]))
    frame = results.frame.assign(
        sex=["F" if int(clip[4:]) % 2 else "M" for clip in results.frame["clip"]]
    )
    run = synthetic.with_store(replace(results, frame=frame), folder / "run", folder / "cache", ids)
    checks = folder / "checks.json"
    answer = {
        "number": 4, "name": "repeat", "outcome": "fail", "found": "other bytes on the second try",
        "asks": "the same bytes", "advice": "", "on_purpose": False, "seconds": 0.1,
    }  # fmt: skip
    checks.write_text(json.dumps({"spec": "psq", "outcome": "fail", "checks": [answer]}))
    options = SiteOptions(audio=2, cache=folder / "cache", checks=(checks,))
    write_site(run, folder / "site", options)
    return folder / "site"


def column(page, number: int) -> list[str]:
    """Return what stands in a column of the table, without small print."""
    script = (
        "n => [...document.querySelectorAll('#table tbody tr')].map(row => "
        "(row.cells[n].querySelector('a, span:not(.glyph)') || row.cells[n]).textContent)"
    )
    return page.evaluate(script, number)


def test_the_board_sorts_filters_and_draws(site, browser):
    with browser.visit() as visitor:
        visitor.go(site / "index.html")
        page = visitor.page
        # Best first by the first metric: PCM at the top of its scale.
        assert column(page, 0)[0] == "pcm"
        scores = [float(text) for text in column(page, 3) if text[0].isdigit()]
        assert scores == sorted(scores, reverse=True)
        page.get_by_role("button", name="kbit/s").focus()
        page.keyboard.press("Enter")
        rates = [float(text) for text in column(page, 2) if text not in {"anchor", "unknown"}]
        assert rates == sorted(rates)
        assert page.locator('th[aria-sort="ascending"] button').inner_text().startswith("kbit/s")
        page.get_by_label("Name contains").fill("opus")
        assert set(column(page, 0)) == {"opus-cbr", "opus-vbr"}
        page.get_by_label("From kbit/s").fill("10")
        assert column(page, 1) == ["12000", "12000", "16000", "24000", "24000"]
        page.get_by_label("Million parameters").fill("5")
        assert column(page, 0) == []
        page.get_by_role("button", name="Reset").click()
        page.locator("#metric").select_option("mcd")
        falling = [float(text) for text in column(page, 3) if text[0].isdigit()]
        assert falling == sorted(falling)
        everybody = column(page, 3)
        page.locator("#group").select_option(label="sex: F")
        assert column(page, 3) != everybody
        page.locator("#rate").select_option(value="6000")
        assert set(column(page, 0)) >= {"opus-cbr", "psq", "esc"}
        assert "between 4000 and 8000" in column(page, 1)
        drawn = page.evaluate("Chart.getChart('chart').data.datasets.map(each => each.label)")
        assert {"opus-cbr", "codec2", "mnru"} <= set(drawn)
        page.locator("#legend").get_by_label("codec2").uncheck()
        again = page.evaluate("Chart.getChart('chart').data.datasets.map(each => each.label)")
        assert "codec2" not in again
        assert visitor.trouble == []


def test_a_codec_has_its_page_with_a_trust_card_and_its_clips(site, browser):
    with browser.visit() as visitor:
        visitor.go(site / "index.html")
        page = visitor.page
        page.locator("#table").get_by_role("link", name="psq").first.click()
        page.wait_for_selector("#table tbody tr")
        card = page.locator(".card").inner_text()
        assert "other bytes on the second try" in card
        assert "counted in the bytes" in card
        assert "not measured" in card
        page.locator("#point").select_option(label="1500")
        # Two clips failed; they have no value and so stand last, with the reason.
        assert "crashed:SIGSEGV" in " ".join(column(page, 1)[-2:])
        worst = [float(text) for text in column(page, 1)[:-2]]
        assert worst == sorted(worst)
        assert "crashed:SIGSEGV" in page.locator("#failures").inner_text()
        page.locator("#table").get_by_role("link", name="clip000").click()
        expect(page.locator("#title")).to_have_text("clip000")
        expect(page.locator("#caption-b")).to_contain_text("psq")
        assert page.locator("#b option:checked").inner_text() == "psq 1500"
        assert visitor.trouble == []


SWITCH = """async () => {
  // Two equal sounds; switching to and fro must leave no trace, since the gains add up to one.
  const name = document.querySelector('#a option').value;
  const key = Object.values(codecbench.data.sounds)[0].references.clean;
  const buffer = await codecbench.decodeSound(key);
  const context = new OfflineAudioContext(1, buffer.length, buffer.sampleRate);
  const mixer = new codecbench.Mixer(context);
  mixer.setTrack('a', buffer);
  mixer.setTrack('b', buffer);
  mixer.hear('a');
  mixer.start(0, 0);
  mixer.hear('b', 0.1);
  mixer.hear('a', 0.2);
  mixer.hear('b', 0.3);
  const heard = (await context.startRendering()).getChannelData(0);
  const wanted = buffer.getChannelData(0);
  let apart = 0;
  for (let n = 0; n < heard.length; n += 1) apart = Math.max(apart, Math.abs(heard[n] - wanted[n]));
  return { apart, length: buffer.length, rate: buffer.sampleRate, first: [...wanted.slice(0, 50)] };
}"""


def test_sounds_are_lossless_and_switching_leaves_no_gap(synthetic, site, browser):
    with browser.visit() as visitor:
        visitor.go(site / "clip.html")
        page = visitor.page
        page.wait_for_selector("#controls:not([hidden])")
        expect(page.locator("#caption-b")).to_contain_text("opus")
        found = page.evaluate(SWITCH)
        assert found["length"] == RATE // 2
        assert found["rate"] == RATE
        # The first packed clip is clip000, made from seed 0. Chromium divides positive integers
        # by 32767 and negative ones by 32768.
        assert np.allclose(
            found["first"], synthetic.tone(0).samples[:50], rtol=1.1 / 32767, atol=1e-9
        )
        assert found["apart"] < 1e-6
        page.get_by_role("button", name="Play").click()
        expect(page.locator("#time")).to_have_text(re.compile(r"^0\.[1-9]"))
        page.keyboard.press("2")
        assert page.locator("input[name=track][value=b]").is_checked()
        page.get_by_role("button", name="X is A").click()
        assert page.locator("#score").inner_text().split(" right")[0] in {"0 of 1", "1 of 1"}
        page.get_by_role("button", name="Pause").click()
        dark = page.evaluate(
            "[...document.getElementById('spectrogram-a').getContext('2d')"
            ".getImageData(0, 0, 900, 256).data].filter((v, n) => n % 4 === 0 && v < 200).length"
        )
        assert dark > 10_000  # noise fills the picture
        assert visitor.trouble == []


@pytest.fixture(scope="module")
def attacked(synthetic, tmp_path_factory) -> Path:
    """A site in which whatever a user can name is an attack."""
    folder = tmp_path_factory.mktemp("attacked")
    metric = replace(synthetic.PESQ, name=f"m{ATTACK}", definition=ATTACK, source=ATTACK)
    facts = synthetic.system(
        f"c{ATTACK}", [6000, 12000], "neural",
        version=ATTACK, fingerprint=ATTACK, licence=ATTACK, source=ATTACK,
    )  # fmt: skip
    ids = [f"{ATTACK}{number}" for number in range(3)]
    results = synthetic.make_results(
        [facts],
        [metric],
        ids,
        lambda _m, _s, _p, clip: 2.0 + clip if clip else f"failed:{ATTACK}",
        speakers=[f"{ATTACK}{number}" for number in range(3)],
        dataset=ATTACK,
        name=ATTACK,
    )
    run = synthetic.with_store(results, folder / "run", folder / "cache", ids)
    write_site(run, folder / "site", SiteOptions(cache=folder / "cache"))
    return folder / "site"


def test_names_from_users_are_inert(attacked, browser):
    pages = [attacked / "index.html", *attacked.glob("codecs/*.html"), attacked / "clip.html"]
    assert len(pages) == 3
    for path in pages:
        with browser.visit() as visitor:
            visitor.go(path)
            page = visitor.page
            page.wait_for_selector("#table tbody tr")
            assert page.title() != "owned"
            assert page.locator("img").count() == 0
            # Known scripts alone: nothing that came with a name became one.
            sources = page.evaluate("[...document.scripts].map(each => each.type || each.src)")
            assert all(text == "application/json" or "/assets/" in text for text in sources)
            assert ATTACK in page.locator("body").inner_text()
            assert visitor.trouble == []


def test_data_cannot_end_a_script():
    text = json_text({"<": "</script>&\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"<": "</script>&\u2028"}


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1280, False)])
def test_no_page_scrolls_sideways(site, browser, width, dark):
    with browser.visit(width=width, dark=dark) as visitor:
        for path in (site / "index.html", site / "codecs" / "psq.html", site / "clip.html"):
            visitor.go(path)
            visitor.page.wait_for_selector("#table tbody tr")
            apart = visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert apart <= 0, path.name


def test_every_control_has_a_name_and_pages_have_their_landmarks(site, browser):
    nameless = (
        "[...document.querySelectorAll('input, select, button, canvas, a')].filter(each =>"
        " !(each.textContent.trim() || each.getAttribute('aria-label') || "
        "(each.labels && each.labels.length))).length"
    )
    with browser.visit() as visitor:
        for path in (site / "index.html", site / "codecs" / "psq.html", site / "clip.html"):
            visitor.go(path)
            visitor.page.wait_for_selector("#table tbody tr")
            visitor.page.wait_for_timeout(200)
            assert visitor.page.evaluate(nameless) == 0, path.name
            assert visitor.page.locator("main, h1, header, footer").count() == 4
            assert visitor.page.get_attribute("html", "lang") == "en"


def test_every_link_leads_somewhere(site):
    for path in (site / "index.html", site / "report.html", site / "codecs" / "psq.html"):
        links = re.findall(r'(?:href|src)="([^"]*)"', path.read_text(encoding="utf-8"))
        for link in links:
            if not link.startswith(("#", "data:")):
                assert (path.parent / link.partition("#")[0]).is_file(), link
        assert len(links) > 5


def test_the_same_results_give_the_same_site(synthetic, tmp_path):
    results = synthetic.make_results(
        [synthetic.system("one", [6000, 9000])], [synthetic.PESQ], list("abc"),
        lambda _m, _s, p, clip: 2 + p.nominal_bps / 9e3 + clip / 10,
    )  # fmt: skip
    run = synthetic.with_store(results, tmp_path / "run", tmp_path / "cache", list("abc"))
    for name in ("first", "second"):
        write_site(run, tmp_path / name, SiteOptions(cache=tmp_path / "cache", audio=1))
    for path in sorted((tmp_path / "first").rglob("*")):
        if path.is_file():
            again = tmp_path / "second" / path.relative_to(tmp_path / "first")
            assert again.read_bytes() == path.read_bytes(), path.name


def test_sounds_that_are_gone_are_counted_with_their_reason(synthetic, tmp_path):
    results = synthetic.make_results(
        [synthetic.system("one", [6000])], [synthetic.PESQ], list("ab"), lambda *_: 3.0
    )
    run = synthetic.with_store(results, tmp_path / "run", tmp_path / "cache", list("ab"))
    write_site(run, tmp_path / "site", SiteOptions(cache=tmp_path / "elsewhere", audio=None))
    assert "not in the cache any more" in (tmp_path / "site" / "clip.html").read_text()


def test_clips_with_sound_are_spread_over_the_data():
    clips = [f"c{number}" for number in range(10)]
    assert choose_clips(clips, 3) == ["c0", "c4", "c9"]
    assert choose_clips(clips, None) == clips
    assert choose_clips(clips, 0) == []
    assert choose_clips(clips[:2], 8) == clips[:2]


@pytest.mark.soak
def test_thirty_codecs_on_five_hundred_clips_are_small_and_quick(synthetic, browser, tmp_path):
    """Acceptance test 18; generous in time, since a busy machine is no slow page."""
    rates = [3000, 6000, 9000, 12000, 24000]
    systems = [synthetic.system(f"codec{number}", rates, "neural") for number in range(30)]
    metrics = [replace(synthetic.METRICS[n % 3], name=f"metric{n}") for n in range(7)]
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((30, 500)) / 10
    # Of each cell's own, so that numbers do not compress for being alike.
    more = iter(rng.standard_normal(7 * 30 * 5 * 500) / 40)

    def cell(metric, facts, point, clip):
        level = noise[int(facts.label[5:]), clip] + next(more)
        level += np.log2(point.nominal_bps / 3000) / 4
        low, high = ((1.5, 4.5), (0.6, 1.0), (9.0, 2.0))[int(metric.name[6:]) % 3]
        return float(low + (high - low) * np.clip(0.3 + level, 0, 1))

    clips = [f"clip{number:03d}" for number in range(500)]
    results = synthetic.make_results(
        systems, metrics, clips, cell, speakers=[f"s{n % 40}" for n in range(500)]
    )
    run = synthetic.with_store(results, tmp_path / "run", tmp_path / "cache", clips[:1])
    write_site(run, tmp_path / "site", SiteOptions(audio=0, cache=tmp_path / "cache"))
    size = sum(path.stat().st_size for path in (tmp_path / "site").rglob("*") if path.is_file())
    assert size < 10e6
    with browser.visit() as visitor:
        best = np.inf
        for _ in range(5):
            started = time.perf_counter()
            visitor.go(tmp_path / "site" / "index.html")
            visitor.page.wait_for_selector("#table tbody tr")
            best = min(best, time.perf_counter() - started)
        assert best < 1.0
        assert len(column(visitor.page, 0)) == 150
        visitor.go(tmp_path / "site" / "clip.html", "#clip=17")
        expect(visitor.page.locator("#table tbody tr")).to_have_count(150)
        assert visitor.trouble == []


def test_packed_numbers_are_what_they_were(synthetic, browser, tmp_path):
    wanted = [4.6439, -100.0, 0.0, 1e-6, 12345.678, -0.25, 1 / 3, 65504.0]

    def cell(_metric, _system, point, clip):
        lost = point.name == "9000" and clip == 2
        return "failed:timeout" if lost else wanted[clip] * (1 if point.name == "6000" else 2)

    systems = [synthetic.system("one", [6000, 9000])]
    clips = [f"c{number}" for number in range(len(wanted))]
    results = synthetic.make_results(systems, [synthetic.MCD], clips, cell)
    run = synthetic.with_store(results, tmp_path / "run", tmp_path / "cache", clips[:1])
    write_site(run, tmp_path / "site", SiteOptions(audio=0, cache=tmp_path / "cache"))
    with browser.visit() as visitor:
        visitor.go(tmp_path / "site" / "clip.html")
        found = visitor.page.evaluate("codecbench.loadCells(0)")["cells"]["clean"]["mcd"]
        assert visitor.trouble == []
    low, high = found["values"]
    # 14 bits of mantissa: within half a unit in the last of them.
    assert np.allclose(low, wanted, rtol=2**-15, atol=0)
    assert high.pop(2) is None
    assert np.allclose(high, 2 * np.delete(wanted, 2), rtol=2**-15, atol=0)
    assert found["lost"] == {"1,2": "failed: timeout"}
