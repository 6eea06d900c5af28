"""Names of datasets, and from a name, a path or a list of paths to clips that can be played."""

import difflib
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from codecbench.core.audio_file import AUDIO_SUFFIXES
from codecbench.core.construct import option_defaults, resolve_options
from codecbench.core.errors import ConfigError, DatasetError, UnknownNameError
from codecbench.core.registry import Registry, is_file_name
from codecbench.core.spec import Option, Spec, format_option
from codecbench.datasets.base import Dataset
from codecbench.datasets.clip_reading import read_clips
from codecbench.datasets.folder import FolderSource, by_stem
from codecbench.datasets.manifest import ManifestSource
from codecbench.datasets.pool_manifest import pool_names
from codecbench.datasets.sampling import Sampling
from codecbench.datasets.source import ClipEntry, DatasetSource
from codecbench.datasets.table import TABLE_SUFFIXES

BUILTIN = {
    "aishell": "codecbench.datasets.aishell:AishellSource",
    "daps": "codecbench.datasets.daps:DapsSource",
    "demo": "codecbench.datasets.demo_set:DemoSource",
    "ears": "codecbench.datasets.ears:EarsSource",
    "folder": "codecbench.datasets.folder:FolderSource",
    "kaldi": "codecbench.datasets.kaldi:KaldiSource",
    "librispeech": "codecbench.datasets.librispeech:LibriSpeechSource",
    "libritts": "codecbench.datasets.libritts:LibriTtsSource",
    "manifest": "codecbench.datasets.manifest:ManifestSource",
    "mls": "codecbench.datasets.mls:MlsSource",
    "pool": "codecbench.datasets.pool:PoolSource",
    "vctk": "codecbench.datasets.vctk:VctkSource",
}

DATASETS: Registry[DatasetSource] = Registry(
    "dataset",
    DatasetSource,  # type: ignore[type-abstract]  # abstract on purpose: the base of all entries
    BUILTIN,
    "codecbench.datasets",
)

DatasetSpec: TypeAlias = str | os.PathLike[str] | Dataset | Sequence[str | os.PathLike[str]]
"""What `get_dataset` understands."""

_SHORT_FORM = re.compile(
    r"(?P<name>[A-Za-z_][\w.-]*)(?::(?P<value>[^=?,|\"]+))?(?:\?(?P<query>.*))?"
)
_SAMPLING = tuple(option_defaults(Sampling))


def get_dataset(spec: DatasetSpec, *, n: int | None = None) -> Dataset:
    """Find, choose and read the clips of a dataset.

    Args:
        spec: One of

            - a registered name with options, ``demo`` or ``librispeech:split=test-clean,n=20``, or
              a class of one's own, ``./mine.py:MySource``;
            - the short form of the same, ``librispeech:test-clean?n=20&seed=1``;
            - the name of a pool of several datasets, ``paper/esc?root=/data``;
            - the path of a folder, a ``.csv`` or ``.jsonl`` manifest, or one sound file;
            - a list of sound files;
            - a `Dataset`, which is returned as it is.

            Every named dataset takes the options ``n`` (clips), ``seed``, ``crop_s``, ``speaker``,
            ``speakers`` and ``per_speaker``; see `codecbench.datasets.sampling.Sampling`. A name
            is tried before a path: write ``./demo`` for a folder called demo.
        n: Number of clips, chosen as by the option of that name; all where None. A `Dataset` is
            returned as it is.

    Returns:
        All clips, with their content hashed; a file that cannot be read is a clip with a problem.

    Raises:
        DatasetError: There is no such path, or what is there is no dataset.
        UnknownNameError: No such dataset, or no such option.
        ConfigError: A value that cannot be right.
    """
    if isinstance(spec, Dataset):
        return spec
    if isinstance(spec, str):
        named = named_spec(spec)
        if named is not None:
            if n is not None:
                named = replace(named, options={**named.options, "n": (n,)})
            return Dataset(name=_public_name(named), clips=read_clips(entries_of(named)))
        return _read(*_from_path(spec), n=n)
    if isinstance(spec, os.PathLike):
        return _read(*_from_path(os.fspath(spec)), n=n)
    return _read(*_from_files([_absolute(path) for path in spec]), n=n)


def entries_of(spec: str | Spec) -> list[ClipEntry]:
    """List the clips that a spec or path chooses, without reading sound files.

    Raises:
        As `get_dataset` does.
    """
    parsed = named_spec(spec) if isinstance(spec, str) else spec
    if parsed is not None:
        return _load(parsed)
    return list(_from_path(str(spec))[1])


def _public_name(spec: Spec) -> str:
    """Return a spec without the folders of this machine: names end up in reports and bundles."""
    options = {
        key: tuple(_public_option(key, value) for value in values)
        for key, values in spec.options.items()
        if key != "root"
    }
    name = Path(spec.name).name if is_file_name(spec.name) else spec.name
    return str(replace(spec, name=name, options=options))


def _public_option(key: str, value: Option) -> Option:
    if not isinstance(value, str):
        return value
    if key == "parts":
        return "|".join(_public_part(part.strip()) for part in value.split("|"))
    is_path = key in {"path", "base"} or Path(value).is_absolute()
    return Path(value).name if is_path else value


def _public_part(text: str) -> str:
    named = named_spec(text)
    return Path(text).name if named is None else _public_name(named)


def named_spec(text: str) -> Spec | None:
    """Return the spec that a text is, or None where it can only be a path."""
    name = re.split(r"[:@?]", text, maxsplit=1)[0].strip()
    if name in pool_names():
        return Spec.parse(_pool_form(text.strip()))
    if name not in DATASETS.names() and ".py:" not in text:
        return None
    spec = Spec.parse(long_form(text))
    return spec if is_file_name(spec.name) or spec.name in DATASETS.names() else None


def _pool_form(text: str) -> str:
    """Translate ``paper/esc:n=3`` and ``paper/esc?n=3`` to options of the dataset "pool"."""
    name, _, options = text.partition("?")
    if not options:
        name, _, options = text.partition(":")
        return f"pool:name={name}{',' if options else ''}{options}"
    return long_form(f"pool:{name}?{options}")


def long_form(text: str) -> str:
    """Translate ``name:value?key=value&…`` to ``name:main_option=value,key=value,…``.

    Any other text is returned as it is.

    Raises:
        ConfigError: The dataset has no main option that a bare value could set.
    """
    short = _SHORT_FORM.fullmatch(text.strip())
    if short is None or (short["value"] is None and short["query"] is None):
        return text
    options = short["query"].split("&") if short["query"] else []
    if short["value"]:
        main = DATASETS.load(short["name"]).main_option
        if main is None:
            msg = f"'{short['name']}' has no use for '{short['value']}'; write key=value"
            raise ConfigError(msg)
        options.insert(0, f"{main}={format_option(short['value'])}")
    return f"{short['name']}:{','.join(options)}"


def _load(spec: Spec) -> list[ClipEntry]:
    cls = DATASETS.load(spec.name)
    known = {**option_defaults(cls), **option_defaults(Sampling)}
    for key in spec.options:
        if key not in known:
            raise UnknownNameError(f"option of '{spec.name}'", key, known)
    shared = {key: value for key, value in spec.options.items() if key in _SAMPLING}
    own = {key: value for key, value in spec.options.items() if key not in _SAMPLING}
    # Any: the class declares the types of its options, and resolve_options holds it to them.
    options: dict[str, Any] = dict(resolve_options(Sampling, replace(spec, options=shared)))
    sampling = Sampling(**options)
    source = cls(**resolve_options(cls, replace(spec, options=own)))
    return sampling.choose(source.entries(), spec.name)


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.normpath(Path(path).expanduser().absolute()))


def _from_path(text: str) -> tuple[str, Sequence[ClipEntry]]:
    """Return name and clips of what a path leads to."""
    if not text.strip():
        msg = (
            f"no dataset given; name a folder, a manifest, or one of {', '.join(DATASETS.names())}"
        )
        raise ConfigError(msg)
    path = _absolute(text)
    if path.is_dir():
        return path.name or "root", FolderSource(path=str(path)).entries()
    if not path.is_file():
        raise _no_such(text, path)
    if path.suffix.lower() in TABLE_SUFFIXES:
        name = path.parent.name if path.stem == "manifest" else path.stem
        return name, ManifestSource(path=str(path)).entries()
    if path.suffix.lower() in AUDIO_SUFFIXES:
        return _from_files([path])
    kinds = ", ".join((*TABLE_SUFFIXES, *AUDIO_SUFFIXES))
    msg = f"{text}: neither a folder nor a manifest nor a sound file ({kinds})"
    raise DatasetError(msg)


def _from_files(paths: Sequence[Path]) -> tuple[str, Sequence[ClipEntry]]:
    if not paths:
        msg = "an empty list of files is no dataset"
        raise DatasetError(msg)
    for path in paths:
        if not path.is_file():
            raise _no_such(str(path), path)
    common = Path(os.path.commonpath([path.parent for path in paths]))
    entries = [ClipEntry(id=name, path=path) for name, path in by_stem(common, paths).items()]
    name = paths[0].stem if len(paths) == 1 else common.name or "files"
    return name, entries


def _read(name: str, entries: Sequence[ClipEntry], *, n: int | None) -> Dataset:
    return Dataset(name=name, clips=read_clips(Sampling(n=n).choose(entries, name)))


def _no_such(text: str, path: Path) -> DatasetError | ConfigError:
    """Return the error for something that is neither a path nor a name, with a way out."""
    if path.exists():
        return DatasetError(f"{text}: no file; a list holds sound files only")
    looks_like_path = os.sep in text or path.suffix.lower() in (*TABLE_SUFFIXES, *AUDIO_SUFFIXES)
    if not looks_like_path and path.parent == Path.cwd():
        near = difflib.get_close_matches(text, [*DATASETS.names(), *_siblings(path)], n=1)
        if not near or near[0] in DATASETS.names():
            return UnknownNameError("dataset or folder", text, DATASETS.names())
    near = difflib.get_close_matches(path.name, _siblings(path), n=1)
    if near:
        hint = f"did you mean {path.parent / near[0]}?"
    elif not path.parent.is_dir():
        parent = next(parent for parent in path.parents if parent.is_dir())
        hint = f"{parent} exists, but nothing of it below"
    else:
        hint = f"give a folder, a manifest, or one of {', '.join(DATASETS.names())}"
    return DatasetError(f"{text}: no such file or folder; {hint}")


def _siblings(path: Path) -> list[str]:
    try:
        return sorted(item.name for item in path.parent.iterdir())
    except OSError:
        return []
