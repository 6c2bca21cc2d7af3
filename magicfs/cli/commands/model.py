"""`magicfs model`: lists and prepares the embedding models of this machine, and chooses the one of the index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from magicfs.domain.models import DIGEST_CHARACTERS

if TYPE_CHECKING:
    from magicfs.domain.models import ModelSpec, StoredModel

app = typer.Typer(
    help="Prepare embedding models and choose one.",
    no_args_is_help=True,
    epilog="""Examples:

    magicfs model pull                            the default, or its fallback without a network

    magicfs model pull ~/models/my-model          a folder with model.onnx and tokenizer.json

    magicfs model list""",
)

PRECISIONS = "auto, int8 or fp32. By default what MAGICFS_PRECISION says."


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List the models on this machine; the one that the index uses is marked with a star."""
    from magicfs.cli import terminal, wiring

    settings = wiring.settings_for_command()
    active = wiring.model_in_use(settings)
    models = wiring.model_store(settings).list()
    if as_json:
        in_use = active.label if active else None
        terminal.print_json({"in_use": in_use, "models": [_model_json(model, active) for model in models]})
        return
    for model in models:
        mark = "*" if _is_in_use(model, active) else " "
        terminal.say(f"{mark} {model.spec.full_label}  {model.spec.dimension} dimensions, from {model.origin}")
    if not models:
        terminal.remark("no models: run 'magicfs model pull'")


@app.command()
def pull(
    name: Annotated[str | None, typer.Argument(help="A name that fastembed knows, or a folder.")] = None,
    precision: Annotated[str | None, typer.Option(help=PRECISIONS)] = None,
) -> None:
    """Download or prepare a model, check it, and say which one this machine has now.

    What the index uses does not change: 'magicfs model use' changes it.
    """
    from magicfs.cli import terminal, wiring
    from magicfs.models.store import use_command

    settings = wiring.settings_for_command()
    settings.make_home()
    stored = wiring.model_store(settings).pull(
        name or settings.model, precision=precision or settings.precision, renew=True, report=terminal.remark
    )
    terminal.say(f"{stored.spec.full_label}: {stored.spec.dimension} dimensions, {stored.origin}")
    active = wiring.model_in_use(settings)
    if active is not None and not _is_in_use(stored, active):
        terminal.say(f"the index still uses {active.full_label}: '{use_command(stored.spec.name)}' changes it")


@app.command()
def use(
    name: Annotated[str, typer.Argument(help="A model that 'magicfs model list' shows, or one to pull.")],
    precision: Annotated[str | None, typer.Option(help=PRECISIONS)] = None,
    digest: Annotated[
        str | None, typer.Option(help="First characters of the digest, to choose one of several of that name.")
    ] = None,
) -> None:
    """Make the index use a model. The vectors are made in the background; searches use the old ones until then."""
    from magicfs.cli import terminal, wiring
    from magicfs.db.models import activate_model, active_model, build_model

    settings = wiring.settings_for_command()
    settings.make_home()
    wanted = precision or settings.precision
    with wiring.database_for_command(settings) as database:
        store = wiring.model_store(settings)
        if digest is None:
            stored = store.pull(name, precision=wanted, report=terminal.remark)
        else:
            stored = store.find_digest(name, wanted, digest)
        wiring.record_digests(settings, database)
        with database.transaction() as connection:
            active = active_model(connection)
            if active is None:
                activate_model(connection, stored.spec)
            else:
                build_model(connection, stored.spec)
    wiring.job_queue(settings).notify_embed()
    if active is None or active.spec.is_model(stored.spec):
        terminal.say(f"the index uses {stored.spec.label}")
    else:
        terminal.say(f"making vectors of {stored.spec.full_label}: 'magicfs status' shows how far it is")
        terminal.say(f"searches use {active.spec.full_label} until then; '{command_to_use(active.spec)}' goes back")


def command_to_use(spec: ModelSpec) -> str:
    """The command that makes the index use this very model, even if its folder has changed since."""
    from magicfs.models.store import use_command

    digest = f" --digest {spec.digest[:DIGEST_CHARACTERS]}" if spec.digest else ""
    return f"{use_command(spec.name)} --precision {spec.precision}{digest}"


def _is_in_use(model: StoredModel, active: ModelSpec | None) -> bool:
    """Whether the index uses a model. One of an older version is known by its name until its digest is recorded."""
    if active is not None and not active.digest:
        return active.label == model.spec.label
    return active is not None and active.is_model(model.spec)


def _model_json(model: StoredModel, active: ModelSpec | None) -> dict[str, object]:
    return {
        "name": model.spec.name,
        "precision": str(model.spec.precision),
        "dimension": model.spec.dimension,
        "digest": model.spec.digest,
        "in_use": _is_in_use(model, active),
        "folder": str(model.folder),
        "origin": model.origin,
    }
