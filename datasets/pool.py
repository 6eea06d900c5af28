"""Several datasets as one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from codecbench.core.construct import option_defaults
from codecbench.core.errors import ConfigError, DatasetError
from codecbench.core.spec import Option, Spec
from codecbench.datasets.corpus import data_root
from codecbench.datasets.pool_manifest import PoolManifest, PoolPart, find_pool
from codecbench.datasets.registry import DATASETS, entries_of, named_spec
from codecbench.datasets.sampling import Sampling
from codecbench.datasets.source import ClipEntry, DatasetSource

_ROOT = "{root}"


class PoolSource(DatasetSource):
    """Several datasets as one, by ``parts="demo|my/wavs"`` or by the name of a pool.

    The id of a clip is the name of its part and its id there; a clip without the tag ``corpus``
    gets the name of its part for one, so that reports can tell the parts apart.
    """

    main_option = "name"

    def __init__(
        self, *, name: str | None = None, parts: str | None = None, root: str | None = None
    ) -> None:
        """Find out what is pooled.

        Args:
            name: A pool that comes with codecbench, or a TOML file with the same keys.
            parts: Specs of datasets, separated by ``|``; quote the whole.
            root: The folder that corpora lie in, handed to every part that has such an option.

        Raises:
            ConfigError: Neither or both of `name` and `parts` are given.
            DatasetError: The TOML file is not as it should be.
        """
        if (name is None) == (parts is None):
            msg = 'a pool needs either a name or parts, as in pool:parts="demo|my/wavs"'
            raise ConfigError(msg)
        self.name = name or "pool"
        self.root = root
        self.pool = find_pool(name) if name is not None else _from_parts(parts or "")

    def entries(self) -> Sequence[ClipEntry]:
        """List the clips, part by part.

        Raises:
            DatasetError: A part cannot be listed, or the pool is not what it should be.
        """
        try:
            parts = [self._list(part) for part in self.pool.parts]
        except DatasetError as error:
            note = f"; {self.pool.note}" if self.pool.note else ""
            msg = f"{self.name}: {error}{note}"
            raise DatasetError(msg) from error
        if self.pool.clips is not None:
            parts = self._share(parts, self.pool.clips)
        found = [entry for part in parts for entry in part]
        self._check(found)
        return found

    def _list(self, part: PoolPart) -> list[ClipEntry]:
        spec = named_spec(part.data)
        listed = entries_of(part.data if spec is None else self._rooted(spec))
        return [
            replace(entry, id=f"{part.name}/{entry.id}", tags={"corpus": part.name, **entry.tags})
            for entry in listed
        ]

    def _rooted(self, spec: Spec) -> Spec:
        """Put the data root where the spec of a part wants it."""
        place = str(data_root(self.root))
        options: dict[str, tuple[Option, ...]] = {
            key: tuple(_filled(value, place) for value in values)
            for key, values in spec.options.items()
        }
        if self.root is not None and "root" in option_defaults(DATASETS.load(spec.name)):
            options.setdefault("root", (place,))
        return replace(spec, options=options)

    def _share(self, parts: list[list[ClipEntry]], total: int) -> list[list[ClipEntry]]:
        sizes = even_shares([len(part) for part in parts], total)
        if sum(sizes) < total:
            msg = f"{self.name}: {total} clips asked for, the parts have {sum(sizes)}"
            raise DatasetError(msg)
        return [
            Sampling(n=size, seed=self.pool.seed).choose(part, self.name) if size else []
            for part, size in zip(parts, sizes, strict=True)
        ]

    def _check(self, entries: Sequence[ClipEntry]) -> None:
        for key, wanted in self.pool.expect.items():
            found: object
            if isinstance(wanted, Mapping):
                found = dict(Counter(entry.tags.get(key, "none") for entry in entries))
            else:
                found = len(entries) if key == "clips" else 0
            if found != wanted:
                msg = f"{self.name}: {key} must be {wanted}, found {found}; {self.pool.note}"
                raise DatasetError(msg)


def even_shares(sizes: Sequence[int], total: int) -> list[int]:
    """Share a number evenly between parts; what a small one cannot give, the others do.

    Args:
        sizes: What each part has.
        total: What is wanted of all together.

    Returns:
        A share for each part; earlier ones get what does not divide. Less than `total` in all
        only where the parts have less.
    """
    shares = [0] * len(sizes)
    left = min(total, sum(sizes))
    while left:
        open_parts = [index for index, size in enumerate(sizes) if shares[index] < size]
        # Where less is left than there are parts, the first of them get one each.
        even = max(1, left // len(open_parts))
        for index in open_parts[:left]:
            given = min(even, sizes[index] - shares[index])
            shares[index] += given
            left -= given
    return shares


def _from_parts(text: str) -> PoolManifest:
    specs = [part.strip() for part in text.split("|") if part.strip()]
    if not specs:
        msg = "a pool needs at least one part"
        raise ConfigError(msg)
    names = [_short(spec) for spec in specs]
    # Two parts of one name are told apart by their place.
    named = [
        name if names.count(name) == 1 else f"{name}-{number}"
        for number, name in enumerate(names, start=1)
    ]
    return PoolManifest(
        title="",
        parts=tuple(
            PoolPart(name=name, data=spec) for name, spec in zip(named, specs, strict=True)
        ),
    )


def _short(spec: str) -> str:
    """Return a name for a part: of its dataset and first value, or the last part of a path."""
    named = named_spec(spec)
    if named is None:
        return spec.rstrip("/").rpartition("/")[2]
    cls = DATASETS.load(named.name)
    option = "language" if "language" in named.options else cls.main_option
    value = named.options.get(option or "", ("",))[0]
    return f"{named.name}-{value}".rstrip("-").replace("/", "-")


def _filled(value: Option, place: str) -> Option:
    return value.replace(_ROOT, place) if isinstance(value, str) else value
