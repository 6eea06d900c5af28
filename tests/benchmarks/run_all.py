"""Run every benchmark in this folder and write what each found: ``make bench``."""

import argparse
import importlib
import importlib.util
import json
import sys
from pathlib import Path


def main() -> None:
    """Run ``bench_*.py`` one after the other, each alone on the machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="where to write")
    parser.add_argument("names", nargs="*", help="only these, e.g. overhead")
    wanted = parser.parse_args()
    # The benchmarks import one another; under -P their folder is not on the path by itself.
    sys.path.insert(0, str(Path(__file__).parent))
    wanted.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        if wanted.names and name not in wanted.names:
            continue
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = module.measure()
        text = json.dumps(found, indent=2)
        (wanted.out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{name}\n{text}", flush=True)
        if name == "metrics":
            importlib.import_module("show_metrics").show(found, wanted.out)


if __name__ == "__main__":
    main()
