"""`magicfs model`: lists and prepares the embedding models of this machine, and chooses the one of the index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from magicfs.cli.help import Commands
from magicfs.cli.options import AsJson
from magicfs.cli.terminal import named
from magicfs.domain.models import DIGEST_CHARACTERS, SEARCHED_STATES, ModelState

if TYPE_CHECKING:
    from magicfs.domain.models import ModelSpec, StoredModel

app = Commands(
    help="Prepare embedding models and choose one.",
    epilog="""
Examples:
    magicfs model list
    magicfs model pull                      the default, or its fallback
    magicfs model pull ~/models/my-model    model.onnx and tokenizer.json
    magicfs model use intfloat/multilingual-e5-small""",
)

PRECISIONS = "auto, int8 or fp32. By default what MAGICFS_PRECISION says."


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the models on this machine; those that searches use are marked with a star."""
    from magicfs.cli import environment, index_model, terminal

    settings = environment.settings_for_command()
    in_use = index_model.models_in_use(settings)
    models = index_model.model_store(settings).list()
    if as_json:
        active = in_use.get(ModelState.ACTIVE)
        objects = [model_json(model, role_of(model, in_use)) for model in models]
        terminal.print_json({"in_use": active.label if active else None, "models": objects})
        return
    for model in models:
        role = role_of(model, in_use)
        mark = "*" if role in SEARCHED_STATES else " "
        dimension = f"{model.spec.dimension} dimensions"
        terminal.say(f"{mark} {model.spec.full_label}  {f'{role}, ' if role else ''}{dimension}, from {model.origin}")
    if not models:
        terminal.remark("no models: run 'magicfs model pull'")


@app.command()
def pull(
    name: Annotated[
        str | None, typer.Argument(parser=named, metavar="NAME", help="A name that fastembed knows, or a folder.")
    ] = None,
    precision: Annotated[str | None, typer.Option(metavar="PRECISION", help=PRECISIONS)] = None,
) -> None:
    """Download or prepare a model, check it, and say which one this machine has now.

    What the index uses does not change: 'magicfs model use' changes it.
    """
    from magicfs.cli import environment, index_model, terminal
    from magicfs.embedding.manifest import use_command
    from magicfs.models.catalog import MULTILINGUAL_MODEL

    settings = environment.settings_for_command()
    settings.make_home()
    store = index_model.model_store(settings)
    stored = store.pull(
        name or settings.model, precision=precision or settings.precision, renew=True, report=terminal.remark
    )
    terminal.say(f"{stored.spec.full_label}: {stored.spec.dimension} dimensions, {stored.origin}")
    in_use = index_model.models_in_use(settings)
    if not in_use or role_of(stored, in_use) is not None:
        return
    multilingual = in_use.get(ModelState.MULTILINGUAL)
    if multilingual is not None and store.find_better_form(multilingual) == stored:
        terminal.say(f"the index still uses {multilingual.full_label}: it gets vectors of this one by itself")
        return
    active = in_use[ModelState.ACTIVE].full_label
    terminal.say(f"the index still uses {active}: '{use_command(stored.spec.name)}' changes it")
    if stored.spec.name == MULTILINGUAL_MODEL and ModelState.MULTILINGUAL not in in_use:
        terminal.say("the index gets it beside that one when it needs it: MAGICFS_MULTILINGUAL says when that is")


@app.command()
def use(
    name: Annotated[
        str,
        typer.Argument(parser=named, metavar="NAME", help="A model that 'magicfs model list' shows, or one to pull."),
    ],
    precision: Annotated[str | None, typer.Option(metavar="PRECISION", help=PRECISIONS)] = None,
    digest: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="First characters of the digest, to choose one of several of that name."),
    ] = None,
) -> None:
    """Make the index use a model. The vectors are made in the background; searches use the old ones until then."""
    from magicfs.cli import environment, index_model, terminal, wiring

    settings = environment.settings_for_command()
    settings.make_home()
    wanted = precision or settings.precision
    with environment.database_for_command(settings) as database:
        store = index_model.model_store(settings)
        if digest is None:
            stored = store.pull(name, precision=wanted, report=terminal.remark)
        else:
            stored = store.find_digest(name, wanted, digest)
        index_model.record_digests(settings, database)
        active = index_model.use_model(database, stored.spec)
    wiring.job_queue(settings).notify_embed()
    if active is None or active.spec.is_model(stored.spec):
        terminal.say(f"the index uses {stored.spec.label}")
    else:
        terminal.say(f"making vectors of {stored.spec.full_label}: 'magicfs status' shows how far it is")
        terminal.say(f"searches use {active.spec.full_label} until then; '{command_to_use(active.spec)}' goes back")


def command_to_use(spec: ModelSpec) -> str:
    """The command that makes the index use this very model, even if its folder has changed since."""
    from magicfs.embedding.manifest import use_command

    digest = f" --digest {spec.digest[:DIGEST_CHARACTERS]}" if spec.digest else ""
    return f"{use_command(spec.name)} --precision {spec.precision}{digest}"


def role_of(model: StoredModel, in_use: Mapping[ModelState, ModelSpec]) -> ModelState | None:
    """What the index does with a model; None if nothing.

    A model of an older version is known by its name until its digest is recorded.
    """
    for role, spec in in_use.items():
        if spec.is_model(model.spec) if spec.digest else spec.label == model.spec.label:
            return role
    return None


def model_json(model: StoredModel, role: ModelState | None) -> dict[str, object]:
    """A stored model for programs, with what the index does with it."""
    return {
        "name": model.spec.name,
        "precision": str(model.spec.precision),
        "dimension": model.spec.dimension,
        "digest": model.spec.digest,
        "languages": list(model.spec.languages),
        "in_use": role in SEARCHED_STATES,
        "role": str(role) if role else None,
        "folder": str(model.folder),
        "origin": model.origin,
    }
