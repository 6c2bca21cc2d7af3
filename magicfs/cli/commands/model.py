"""`magicfs model`: lists and prepares the embedding models of this machine, and chooses the one of the index."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from magicfs.config import Settings
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
    active = _label_in_use(settings)
    models = wiring.model_store(settings).list()
    if as_json:
        terminal.print_json({"in_use": active, "models": [_model_json(model) for model in models]})
        return
    for model in models:
        mark = "*" if model.spec.label == active else " "
        terminal.say(f"{mark} {model.spec.label}  {model.spec.dimension} dimensions, from {model.origin}")
    if not models:
        terminal.remark("no models: run 'magicfs model pull'")


@app.command()
def pull(
    name: Annotated[str | None, typer.Argument(help="A name that fastembed knows, or a folder.")] = None,
    precision: Annotated[str | None, typer.Option(help=PRECISIONS)] = None,
) -> None:
    """Download or prepare a model, check it, and say which one this machine has now."""
    from magicfs.cli import terminal, wiring

    settings = wiring.settings_for_command()
    settings.make_home()
    stored = wiring.model_store(settings).pull(
        name or settings.model, precision=precision or settings.precision, report=terminal.remark
    )
    terminal.say(f"{stored.spec.label}: {stored.spec.dimension} dimensions, {stored.origin}")


@app.command()
def use(
    name: Annotated[str, typer.Argument(help="A model that 'magicfs model list' shows, or one to pull.")],
    precision: Annotated[str | None, typer.Option(help=PRECISIONS)] = None,
) -> None:
    """Make the index use a model. The vectors are made in the background; searches use the old ones until then."""
    from magicfs.cli import terminal, wiring
    from magicfs.db.models import activate_model, active_model, build_model

    settings = wiring.settings_for_command()
    settings.make_home()
    wanted = precision or settings.precision
    with wiring.database_for_command(settings) as database:
        stored = wiring.model_store(settings).pull(name, precision=wanted, report=terminal.remark)
        with database.transaction() as connection:
            active = active_model(connection)
            if active is None:
                activate_model(connection, stored.spec)
            else:
                build_model(connection, stored.spec)
    wiring.job_queue(settings).notify_embed()
    if active is None or active.spec.label == stored.spec.label:
        terminal.say(f"the index uses {stored.spec.label}")
    else:
        terminal.say(f"making vectors of {stored.spec.label}: 'magicfs status' shows how far it is")
        terminal.say(f"searches use {active.spec.label} until then; '{command_to_use(active.spec)}' goes back")


def command_to_use(spec: ModelSpec) -> str:
    """The command that makes the index use this model in this precision."""
    return f"magicfs model use {shlex.quote(spec.name)} --precision {spec.precision}"


def _label_in_use(settings: Settings) -> str | None:
    """The label of the index's model; None when no database answers or the index has none."""
    from magicfs.cli import wiring
    from magicfs.db.models import active_model
    from magicfs.errors import DatabaseError, ServerError

    try:
        with wiring.database_for_command(settings) as database, database.transaction() as connection:
            active = active_model(connection)
    except (DatabaseError, ServerError):
        return None
    return active.spec.label if active else None


def _model_json(model: StoredModel) -> dict[str, object]:
    return {
        "name": model.spec.name,
        "precision": str(model.spec.precision),
        "dimension": model.spec.dimension,
        "folder": str(model.folder),
        "origin": model.origin,
    }
