"""Writes the folder of a listening test.

stimuli/NNN.wav     sounds at one level; their names tell nothing
stimuli.csv         what each one is; for those who run the test
p808.csv            addresses of the sounds, one session per line, for a crowd
webmushra.yaml      a MUSHRA test with anchors, for webMUSHRA
listen.html         a test that needs nothing else; saves ratings as JSON
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from codecbench.core.audio_file import write_audio
from codecbench.core.fingerprint import Json, hash_json
from codecbench.reports.export import csv_bytes
from codecbench.reports.listening.stimuli import LEVEL_DBOV, Stimulus
from codecbench.reports.page import TEMPLATES, page_environment
from codecbench.reports.site.cells import json_text

SESSION = 30
"""Sounds in one session of a crowd, with one trap and one gold clip among them."""


def write_kit(stimuli: Sequence[Stimulus], out: Path, *, seed: int = 0) -> Path:
    """Write the folder.

    Args:
        stimuli: What is to be rated.
        out: Folder; made where it is absent.
        seed: Of the order, in which names tell nothing.

    Returns:
        Path of the page.
    """
    import pandas as pd

    generator = np.random.default_rng(seed)
    shuffled = [stimuli[place] for place in generator.permutation(len(stimuli))]
    names = [f"{number:04d}" for number in range(len(shuffled))]
    for name, stimulus in zip(names, shuffled, strict=True):
        write_audio(out / "stimuli" / f"{name}.wav", stimulus.audio)
    table = pd.DataFrame(
        {
            "stimulus": names,
            "file": [f"stimuli/{name}.wav" for name in names],
            "kind": [each.kind for each in shuffled],
            "clip": [each.clip for each in shuffled],
            "system": [each.system for each in shuffled],
            "codec": [each.codec for each in shuffled],
            "point": [each.point for each in shuffled],
            "expected": ["" if each.expected is None else each.expected for each in shuffled],
        }
    )
    (out / "stimuli.csv").write_bytes(csv_bytes(table))
    sessions = _sessions(names, shuffled, generator)
    longest = max(map(len, sessions))
    columns = {
        f"Q{place}": [
            f"stimuli/{session[place]}.wav" if place < len(session) else "" for session in sessions
        ]
        for place in range(longest)
    }
    (out / "p808.csv").write_bytes(csv_bytes(pd.DataFrame(columns)))
    # JSON is YAML, and needs no library.
    mushra = json.dumps(_mushra(names, shuffled), indent=2, ensure_ascii=False)
    (out / "webmushra.yaml").write_text(f"{mushra}\n", encoding="utf-8", newline="\n")
    page = out / "listen.html"
    page.write_text(_page(names, shuffled, out), encoding="utf-8", newline="\n")
    return page


def _sessions(
    names: list[str], stimuli: list[Stimulus], generator: np.random.Generator
) -> list[list[str]]:
    """Divide what is rated into sessions, each with a trap and a gold clip at a random place."""
    of_kind = {
        kind: [name for name, each in zip(names, stimuli, strict=True) if each.kind == kind]
        for kind in ("trap", "gold")
    }
    rated = [
        name for name, each in zip(names, stimuli, strict=True) if each.kind not in ("trap", "gold")
    ]
    step = SESSION - len(of_kind)
    sessions = []
    for number, start in enumerate(range(0, len(rated), step)):
        session = rated[start : start + step]
        for controls in filter(None, of_kind.values()):
            place = int(generator.integers(0, len(session) + 1))
            session.insert(place, controls[number % len(controls)])
        sessions.append(session)
    return sessions


def _mushra(names: list[str], stimuli: list[Stimulus]) -> Json:
    """Return a configuration of webMUSHRA: a page per clip, with anchors at 3.5 and 7 kHz."""
    pages: list[Json] = []
    for clip in dict.fromkeys(each.clip for each in stimuli if each.kind == "reference"):
        mine = [
            (name, each)
            for name, each in zip(names, stimuli, strict=True)
            if each.clip == clip and each.kind in ("system", "reference")
        ]
        files = {name: f"configs/resources/stimuli/{name}.wav" for name, _ in mine}
        reference = next(name for name, each in mine if each.kind == "reference")
        pages.append(
            {
                "type": "mushra",
                "id": f"clip{len(pages)}",
                "name": f"Clip {len(pages) + 1}",
                "content": "Rate each sound against the reference.",
                "showWaveform": False,
                "enableLooping": True,
                "reference": files[reference],
                "createAnchor35": True,
                "createAnchor70": True,
                "stimuli": {name: files[name] for name, each in mine if each.kind == "system"},
            }
        )
    finish: Json = {
        "type": "finish", "name": "Thank you", "content": "", "showResults": False,
        "writeResults": True,
    }  # fmt: skip
    return {
        "testname": "codecbench listening test",
        "testId": "codecbench",
        "bufferSize": 2048,
        "stopOnErrors": True,
        "showButtonPreviousPage": True,
        "remoteService": "service/write.php",
        "pages": [["random", *pages], finish],
    }


def _page(names: list[str], stimuli: list[Stimulus], out: Path) -> str:
    data: Json = {
        "kit": hash_json(
            [[name, each.system, each.clip] for name, each in zip(names, stimuli, strict=True)]
        )[:12],
        "sounds": [
            {
                "name": name,
                "trap": each.kind == "trap",
                "wav": base64.b64encode((out / "stimuli" / f"{name}.wav").read_bytes()).decode(),
            }
            for name, each in zip(names, stimuli, strict=True)
        ],
    }
    code = (TEMPLATES / "listening" / "listen.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return (
        page_environment()
        .get_template("listening/page.html")
        .render(
            code=Markup(code),
            digest=digest,
            data=Markup(json_text(data)),
            level=f"{LEVEL_DBOV:g}",
        )
    )
