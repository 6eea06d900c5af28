"""Several datasets as one, by spec and by name."""

import pytest

from codecbench.core.errors import ConfigError, DatasetError, UnknownNameError
from codecbench.datasets.pool import even_shares
from codecbench.datasets.pool_manifest import pool_names
from codecbench.datasets.registry import get_dataset


@pytest.fixture
def two_folders(tmp_path, make_sound):
    for number, name in enumerate(("one/a", "one/b", "two/a")):
        make_sound(tmp_path / f"{name}.wav", seed=number)
    return tmp_path


def test_pools_specs_and_folders_under_prefixed_ids(two_folders):
    spec = f'pool:parts="{two_folders}/one|{two_folders}/two|demo:n=1"'
    clips = get_dataset(spec).clips
    assert [clip.id for clip in clips][:3] == ["one/a", "one/b", "two/a"]
    assert clips[3].id.startswith("demo/")
    assert [clip.tags["corpus"] for clip in clips][:3] == ["one", "one", "two"]


def test_parts_of_one_name_are_told_apart(two_folders):
    clips = get_dataset(f'pool:parts="{two_folders}/one|{two_folders}/one"').clips
    assert [clip.id for clip in clips] == ["one-1/a", "one-1/b", "one-2/a", "one-2/b"]


def test_sampling_works_on_the_whole_pool_and_within_a_part(two_folders):
    assert len(get_dataset('pool:parts="demo:n=3|demo:n=2,seed=1",n=4').clips) == 4


@pytest.mark.parametrize(
    ("sizes", "total", "shares"),
    [
        ([10, 10, 10], 9, [3, 3, 3]),
        ([10, 10, 10], 10, [4, 3, 3]),
        ([10, 1, 10], 9, [4, 1, 4]),
        ([5, 0, 1], 100, [5, 0, 1]),
        ([900, 9000, 50], 1158, [554, 554, 50]),
    ],
)
def test_shares_are_even_where_they_can_be(sizes, total, shares):
    # By hand: 1158 - 50 = 1108 = 2 x 554.
    assert even_shares(sizes, total) == shares


def manifest(folder, **changes):
    text = {
        "title": "'two folders'",
        "note": "'bring your own'",
        "parts": f"[{{name = 'x', data = '{folder}/one'}}, {{name = 'y', data = '{folder}/two'}}]",
    } | changes
    path = folder / "pool.toml"
    path.write_text("\n".join(f"{key} = {value}" for key, value in text.items()))
    return f'pool:name="{path}"'


def test_a_manifest_of_ones_own_shares_and_expects(two_folders):
    assert [clip.id for clip in get_dataset(manifest(two_folders)).clips] == ["x/a", "x/b", "y/a"]
    assert len(get_dataset(manifest(two_folders, clips=2)).clips) == 2
    wanted = manifest(two_folders, expect="{clips = 3, corpus = {x = 2, y = 1}}")
    assert len(get_dataset(wanted).clips) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"expect": "{clips = 4}"}, "clips must be 4, found 3; bring your own"),
        ({"expect": "{corpus = {x = 3}}"}, "corpus must be"),
        ({"clips": 4}, "4 clips asked for, the parts have 3"),
        ({"colour": 1}, "colour"),
        ({"parts": "[]"}, "at least one part"),
        ({"parts": "[{name = 'x', data = '/nowhere'}]"}, "nowhere.*bring your own"),
    ],
)
def test_a_manifest_that_is_not_kept_is_refused(two_folders, changes, message):
    with pytest.raises(DatasetError, match=message):
        get_dataset(manifest(two_folders, **changes))


@pytest.mark.parametrize("spec", ["pool", 'pool:name="paper/esc",parts=demo', 'pool:parts="|"'])
def test_a_pool_of_nothing_is_refused(spec):
    with pytest.raises(ConfigError):
        get_dataset(spec)


def test_an_unknown_pool_is_named_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="paper/esc"):
        get_dataset("pool:name=paper/ecs")


def psq_items(root, make_sound, women):
    lines = ["file,sex,speaker"]
    for number in range(28):
        make_sound(root / "psq" / f"{number}.wav", seed=number)
        lines.append(f"{number}.wav,{'F' if number < women else 'M'},s{number}")
    (root / "psq" / "manifest.csv").write_text("\n".join(lines))


def test_psq_takes_28_items_of_which_14_are_by_women(tmp_path, make_sound):
    psq_items(tmp_path, make_sound, women=14)
    clips = get_dataset(f"paper/psq?root={tmp_path}").clips
    assert len(clips) == 28
    assert sum(clip.tags["sex"] == "F" for clip in clips) == 14


def test_psq_refuses_another_balance_and_says_what_to_bring(tmp_path, make_sound):
    psq_items(tmp_path, make_sound, women=13)
    with pytest.raises(DatasetError, match=r"sex must be .* licensed"):
        get_dataset(f"paper/psq:root={tmp_path}")


MLS = ("dutch", "french", "german", "italian", "polish", "portuguese", "spanish")


def esc_corpora(root, make_sound):
    """Miniatures with 700 spans of 10 s in LibriSpeech, 700 in MLS, and 20 in AISHELL-1."""
    for number in range(2):
        name = f"LibriSpeech/test-clean/1/2/1-2-{number:04d}.flac"
        make_sound(root / name, seconds=3500, sample_rate=1000, seed=number)
    for language in MLS:
        book = root / f"mls_{language}/test/audio/5/6"
        make_sound(book / "5_6_000000.flac", seconds=1000, sample_rate=1000)
    for split, speaker in (("dev", "S0724"), ("test", "S0764")):
        name = f"data_aishell/wav/{split}/{speaker}/BAC009{speaker}W0121.wav"
        make_sound(root / name, seconds=105, sample_rate=1000)


def test_esc_pools_three_corpora_into_1158_spans_of_10_s(tmp_path, make_sound, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    esc_corpora(tmp_path, make_sound)
    dataset = get_dataset(f"paper/esc?root={tmp_path}")
    assert len(dataset.clips) == 1158
    assert [clip.problem for clip in dataset.clips if clip.problem] == []
    assert {clip.seconds for clip in dataset.clips} == {10.0}
    counts = {}
    for clip in dataset.clips:
        part = clip.id.partition("/")[0]
        counts[part] = counts.get(part, 0) + 1
    # 1158 less the 20 of AISHELL is 1138, half of which is 569.
    assert counts == {"librispeech": 569, "mls": 569, "aishell": 20}
    assert {clip.tags["corpus"] for clip in dataset.clips} >= {"LibriSpeech", "AISHELL-1"}
    again = get_dataset(f"paper/esc:root={tmp_path}")
    assert again.fingerprint == dataset.fingerprint


def test_a_pool_without_its_corpora_says_which_are_needed(tmp_path):
    with pytest.raises(DatasetError, match=r"LibriSpeech.*AISHELL-1.*data list"):
        get_dataset(f"paper/esc?root={tmp_path}")


def test_the_pools_that_we_ship_have_names():
    assert pool_names() == ["paper/esc", "paper/psq"]
