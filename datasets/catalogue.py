"""Which corpora can be fetched: official addresses, published checksums, licences."""

from dataclasses import dataclass

from codecbench.core.errors import UnknownNameError

OPENSLR = "https://www.openslr.org/resources"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One file to download.

    Attributes:
        url: Where it is.
        md5: As published by its owner, "" where none is.
        size: In bytes, 0 where unknown.
    """

    url: str
    md5: str = ""
    size: int = 0

    @property
    def file_name(self) -> str:
        """The last part of the address."""
        return self.url.partition("?")[0].rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What is fetched under one name: a corpus or a split of it.

    Attributes:
        name: Such as ``librispeech:test-clean``; also the dataset spec that reads it.
        title: For people.
        licence: SPDX identifier.
        licence_url: Its text.
        homepage: Of the corpus.
        archives: To be downloaded and unpacked.
        into: Folder below the data root that they are unpacked into, "" for the root itself.
        nested: Pattern of archives inside, which are unpacked in place.
    """

    name: str
    title: str
    licence: str
    licence_url: str
    homepage: str
    archives: tuple[Archive, ...]
    into: str = ""
    nested: str = ""


CC_BY = ("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/")
CC_BY_NC = ("CC-BY-NC-4.0", "https://creativecommons.org/licenses/by-nc/4.0/")

# MD5 sums as the owners publish them (https://www.openslr.org/resources/12/md5sum.txt and the
# like) and as public loaders such as torchaudio repeat them.
_LIBRISPEECH = {
    "dev-clean": ("42e2234ba48799c1f50f24a7926300a1", 337_926_286),
    "dev-other": ("c8d0bcc9cca99d4f8b62fcc847357931", 0),
    "test-clean": ("32fa31d27d2e1cad72775fee3f4849a9", 346_663_984),
    "test-other": ("fb5a50374b501bb3bac4815ee91d3135", 0),
    "train-clean-100": ("2a93770f6d5c6c964bc36631d331a522", 6_387_309_499),
    "train-clean-360": ("c0e676e450a7ff2f54aeade5171606fa", 0),
    "train-other-500": ("d1a0fd59409feb2c614ce4d30c387708", 0),
}
_LIBRITTS = {
    "dev-clean": "0c3076c1e5245bb3f0af7d82087ee207",
    "dev-other": "815555d8d75995782ac3ccd7f047213d",
    "test-clean": "7bed3bdb047c4c197f1ad3bc412db59f",
    "test-other": "ae3258249472a13b5abef2a816f733e4",
    "train-clean-100": "4a8c202b78fe1bc0c47916a98f3a2ea8",
    "train-clean-360": "a84ef10ddade5fd25df69596a2767b2d",
    "train-other-500": "7b181dd5ace343a5f38427999684aa6f",
}
_MLS = ("dutch", "english", "french", "german", "italian", "polish", "portuguese", "spanish")
_EARS = {"train": range(1, 100), "valid": range(100, 102), "test": range(102, 108)}


def _librispeech() -> list[Package]:
    return [
        Package(
            name=f"librispeech:{split}",
            title=f"LibriSpeech {split}",
            licence=CC_BY[0],
            licence_url=CC_BY[1],
            homepage="https://www.openslr.org/12/",
            archives=(Archive(url=f"{OPENSLR}/12/{split}.tar.gz", md5=md5, size=size),),
        )
        for split, (md5, size) in _LIBRISPEECH.items()
    ]


def _libritts() -> list[Package]:
    # Its archives are called as those of LibriSpeech are; only the MD5 tells them apart.
    return [
        Package(
            name=f"libritts:{split}",
            title=f"LibriTTS {split}",
            licence=CC_BY[0],
            licence_url=CC_BY[1],
            homepage="https://www.openslr.org/60/",
            archives=(Archive(url=f"{OPENSLR}/60/{split}.tar.gz", md5=md5),),
        )
        for split, md5 in _LIBRITTS.items()
    ]


def _mls() -> list[Package]:
    return [
        Package(
            name=f"mls:{language}",
            title=f"Multilingual LibriSpeech, {language.capitalize()}",
            licence=CC_BY[0],
            licence_url=CC_BY[1],
            homepage="https://www.openslr.org/94/",
            archives=(Archive(url=f"https://dl.fbaipublicfiles.com/mls/mls_{language}.tar.gz"),),
        )
        for language in _MLS
    ]


def _ears() -> list[Package]:
    release = "https://github.com/facebookresearch/ears_dataset/releases/download/dataset"
    return [
        Package(
            name=f"ears:{split}",
            title=f"EARS, speakers p{numbers[0]:03d} to p{numbers[-1]:03d}",
            licence=CC_BY_NC[0],
            licence_url=CC_BY_NC[1],
            homepage="https://github.com/facebookresearch/ears_dataset",
            archives=tuple(Archive(url=f"{release}/p{number:03d}.zip") for number in numbers),
            into="EARS",
        )
        for split, numbers in _EARS.items()
    ]


PACKAGES: tuple[Package, ...] = (
    Package(
        name="aishell",
        title="AISHELL-1",
        licence="Apache-2.0",
        licence_url="https://www.apache.org/licenses/LICENSE-2.0",
        homepage="https://www.openslr.org/33/",
        archives=(
            Archive(
                url=f"{OPENSLR}/33/data_aishell.tgz",
                md5="2f494334227864a8a8fec932999db9d8",
            ),
            Archive(
                url=f"{OPENSLR}/33/resource_aishell.tgz",
                md5="957d480a0fcac85fc18e550756f624e5",
            ),
        ),
        nested="data_aishell/wav/*.tar.gz",
    ),
    Package(
        name="daps",
        title="DAPS",
        licence=CC_BY_NC[0],
        licence_url=CC_BY_NC[1],
        homepage="https://zenodo.org/records/4660670",
        archives=(
            Archive(
                url="https://zenodo.org/records/4660670/files/daps.tar.gz?download=1",
                md5="303c130b7ce2e02b59c7ca5cd595a89c",
                size=16_055_782_487,
            ),
        ),
    ),
    *_ears(),
    *_librispeech(),
    *_libritts(),
    *_mls(),
    Package(
        name="vctk",
        title="VCTK 0.92",
        licence=CC_BY[0],
        licence_url=CC_BY[1],
        homepage="https://doi.org/10.7488/ds/2645",
        archives=(
            Archive(
                url="https://datashare.is.ed.ac.uk/bitstream/handle/10283/3443/VCTK-Corpus-0.92.zip",
                md5="8a6ba2946b36fcbef0212cad601f4bfa",
                size=11_747_302_977,
            ),
        ),
        into="VCTK-Corpus-0.92",  # the archive has no top folder
    ),
)


def find_package(name: str) -> Package:
    """Return the package of a name.

    Raises:
        UnknownNameError: There is none.
    """
    for package in PACKAGES:
        if package.name == name:
            return package
    raise UnknownNameError("corpus to fetch", name, [package.name for package in PACKAGES])
