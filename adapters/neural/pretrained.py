"""Models of the transformers library: from a local folder or its cache, whole or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codecbench.core.checkpoint import CheckpointError
from codecbench.core.dependency import require
from codecbench.core.errors import MissingWeightsError
from codecbench.core.small_file import parse_json, read_small_text

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
_NAMES_SHOWN = 3


def find_folder(checkpoint: str) -> Path | None:
    """Return the folder that a path or the name of a cached model means; None if there is none.

    Args:
        checkpoint: A folder with ``config.json``, or a name such as ``kyutai/mimi``.
    """
    path = Path(checkpoint).expanduser()
    if path.is_dir():
        return path
    if path.exists() or not _is_model_name(checkpoint):
        return None
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    found = try_to_load_from_cache(checkpoint, CONFIG)
    return Path(found).parent if isinstance(found, str) else None


def stored_config(checkpoint: str | None) -> Mapping[str, Any]:
    """Return ``config.json`` of a folder or a cached model, empty if there is none.

    Raises:
        CheckpointError: It is no JSON object.
    """
    folder = find_folder(checkpoint) if checkpoint is not None else None
    if folder is None or not (folder / CONFIG).is_file():
        return {}
    try:
        config = parse_json(read_small_text(folder / CONFIG))
    except (OSError, ValueError) as error:
        msg = f"'{folder / CONFIG}' is no JSON: {error}"
        raise CheckpointError(msg) from error
    if not isinstance(config, Mapping):
        msg = f"'{folder / CONFIG}' holds a {type(config).__name__}, not an object"
        raise CheckpointError(msg)
    return config


def require_model_type(checkpoint: str | None, config: Mapping[str, Any], model_type: str) -> None:
    """Refuse another codec's folder.

    Raises:
        CheckpointError: The configuration says that it is of another model.
    """
    found = config.get("model_type", model_type)
    if found != model_type:
        msg = f"'{checkpoint}' is of the model '{found}', not of '{model_type}'"
        raise CheckpointError(msg)


def fetch(checkpoint: str, *, allow_download: bool) -> Path:
    """Return the folder of a model's configuration and weights, downloaded only if that is allowed.

    Raises:
        MissingWeightsError: It is not on this machine, or could not be downloaded.
    """
    folder = find_folder(checkpoint)
    if folder is not None and (folder / WEIGHTS).is_file():
        return folder
    if folder is not None and not _is_model_name(checkpoint):
        msg = f"the folder '{folder}' should hold {CONFIG} and {WEIGHTS}, as save_pretrained writes"
        raise MissingWeightsError(msg)
    if not _is_model_name(checkpoint) or Path(checkpoint).expanduser().exists():
        msg = f"no model at '{checkpoint}'; give a folder or a name such as owner/model"
        raise MissingWeightsError(msg)
    if not allow_download:
        msg = (
            f"'{checkpoint}' is neither a folder nor in the cache of Hugging Face's models; "
            "give a folder, or allow_download=true"
        )
        raise MissingWeightsError(msg)
    hub = require("huggingface_hub")
    try:
        return Path(hub.snapshot_download(checkpoint, allow_patterns=[CONFIG, WEIGHTS]))
    except Exception as error:
        # Whatever network, server and cache have to say.
        told = " ".join(str(error).split())[:200]
        msg = f"'{checkpoint}' could not be downloaded: {told}"
        raise MissingWeightsError(msg) from error


def _is_model_name(checkpoint: str) -> bool:
    owner, _, name = checkpoint.partition("/")
    plain = owner + name.replace(".", "")
    return bool(owner and name) and all(c.isalnum() or c in "-_" for c in plain)


def load_pretrained(class_name: str, folder: Path) -> "nn.Module":
    """Load a model of transformers, strictly: from_pretrained itself only warns.

    Args:
        class_name: Such as "MimiModel".
        folder: With ``config.json`` and ``model.safetensors``.

    Raises:
        CheckpointError: Tensors are missing, unexpected, of another shape or not finite, or the
            file is damaged.
        MissingDependencyError: transformers is not installed, or broken.
    """
    model_class = getattr(require("transformers"), class_name)
    with quiet_transformers():
        try:
            model, report = model_class.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,  # the other kind may hold code
                output_loading_info=True,
                dtype=require("torch").float32,
            )
        except Exception as error:
            # A damaged file raises whatever the place of the damage makes the libraries raise.
            msg = f"'{folder}' cannot be loaded as {class_name}: {' '.join(str(error).split())}"
            raise CheckpointError(msg) from error
    parts = []
    for key, told in (
        ("missing_keys", "tensors are missing"),
        ("unexpected_keys", "are not of this model"),
        ("mismatched_keys", "have another shape"),
        ("error_msgs", "cannot be read"),
    ):
        names = sorted(name if isinstance(name, str) else str(name[0]) for name in report[key])
        if names:
            more = ", …" if len(names) > _NAMES_SHOWN else ""
            parts.append(f"{len(names)} {told} ({', '.join(names[:_NAMES_SHOWN])}{more})")
    if parts:
        msg = f"{class_name} from '{folder}': {'; '.join(parts)}"
        raise CheckpointError(msg)
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            msg = f"'{folder}': tensor {name} holds values that are not finite"
            raise CheckpointError(msg)
    loaded: nn.Module = model
    return loaded


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep the library's bars and reports off the terminal; what matters is raised."""
    logging = require("transformers.utils.logging")
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
