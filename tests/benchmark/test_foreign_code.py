"""Which texts of a file would run something, and that nothing runs which only a file names."""

import pytest

from codecbench.benchmark.foreign_code import foreign_code, named_code, require_named, suite_specs
from codecbench.benchmark.suite import Suite, find_suite, suite_names
from codecbench.core.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("opus:mode=cbr,bitrate=6000|12000", ()),
        ("./mine.py:MyCodec:ckpt=a.pt", ("./mine.py",)),
        ("command:program=opus-tools,rate=6000", ()),
        ("command:program=./evil.toml", ("./evil.toml",)),
        ('command:program="./e vil.toml"', ("./e vil.toml",)),
        ("command:program=opus-tools,bin=/tmp/evil", ("/tmp/evil",)),
        ("command:program=a.toml|b.toml", ("a.toml", "b.toml")),
        ("env:python=torch1,codec=opus", ("torch1",)),
        ('env:python=/bin/sh,codec="./x.py:X"', ("./x.py", "/bin/sh")),
        ("tandem=opus:bitrate=24000", ()),
        ("tandem=./evil.py:X", ("./evil.py",)),
        ('tandem="command:program=evil.toml"', ("evil.toml",)),
        ("tandem=command:program=evil.toml", ("evil.toml",)),
        ("noise=babble,snr=15+./evil.py:Echo=1", ("./evil.py",)),
        ("noise=babble,snr=15+tandem=env:python=/bin/sh", ("/bin/sh",)),
        ('pool:parts="demo|./evil.py:Source"', ("./evil.py",)),
        ('tandem="./\\u0065vil.\\u0070y:X"', ("./evil.py",)),
        ("librispeech:test-clean?n=20&seed=1", ()),
        ("my/folder.py/wavs", ()),
    ],
)
def test_whatever_would_be_run_is_found(text: str, names: tuple[str, ...]) -> None:
    assert sorted(foreign_code(text)) == sorted(names)


def test_specs_within_specs_have_an_end() -> None:
    text = "x"
    for _ in range(9):
        text = f'tandem="{text.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
    with pytest.raises(ConfigError, match="too deep"):
        foreign_code(text)


def test_the_message_says_what_would_be_run_and_how_to_allow_it() -> None:
    with pytest.raises(ConfigError, match=r"\./mine\.py would be run.*--plugin \./mine\.py"):
        require_named(["./mine.py:MyCodec"], set())


def test_a_file_is_the_same_however_it_is_written(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    require_named(["./mine.py:X", f"{tmp_path}/mine.py:X"], {"mine.py"})
    require_named(["mine.py:X"], named_code(["./mine.py:Other"]))
    with pytest.raises(ConfigError):
        require_named(["../mine.py:X"], {"mine.py"})


@pytest.mark.parametrize("name", suite_names())
def test_our_own_suites_run_nothing_foreign(name: str) -> None:
    assert named_code(suite_specs(find_suite(name))) == set()


def test_every_text_of_a_suite_is_looked_at() -> None:
    suite = Suite(
        codecs=("a.py:A",), data="b.py:B", metrics=("stoi,c.py:C:x=1",), conditions=("d.py:D=1",)
    )
    assert named_code(suite_specs(suite)) == {"a.py", "b.py", "c.py", "d.py"}
