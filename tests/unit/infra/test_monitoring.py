"""Rules and dashboard ask for metrics and labels that MagicFS has."""

from __future__ import annotations

import json
import re

import yaml

from magicfs.gateway.metrics import text
from tests.unit.gateway.test_metrics import OBSERVATION, parsed
from tests.unit.infra.command_lines import REPOSITORY

SAMPLES = parsed(text(OBSERVATION))
NAMES = {name for name, _ in SAMPLES}
LABELS = {label for _, labels in SAMPLES for label, _ in labels}


def rules() -> list[dict[str, object]]:
    content = yaml.safe_load((REPOSITORY / "infra/prometheus/magicfs.rules.yml").read_text(encoding="utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


def targets() -> list[dict[str, str]]:
    dashboard = json.loads((REPOSITORY / "infra/grafana/magicfs.json").read_text(encoding="utf-8"))
    return [target for panel in dashboard["panels"] for target in panel["targets"]]


def test_every_metric_that_is_asked_for_exists() -> None:
    expressions = [str(rule["expr"]) for rule in rules()] + [target["expr"] for target in targets()]
    assert len(expressions) > 12
    asked = {name for each in expressions for name in re.findall(r"magicfs_\w+", each)}
    assert asked <= NAMES
    # Prometheus itself gives a sample the label of its job.
    assert {label for each in expressions for label in re.findall(r"[{,]\s*(\w+)=", each)} <= LABELS | {"job"}


def test_every_label_that_is_shown_exists() -> None:
    shown = {label for target in targets() for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])}
    told = {label for rule in rules() for label in re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))}
    assert shown
    assert shown | told <= LABELS


def test_the_rules_of_the_example_are_there() -> None:
    folder = REPOSITORY / "infra/prometheus"
    example = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    assert all((folder / name).exists() for name in example["rule_files"])
    jobs = {job["job_name"] for job in example["scrape_configs"]}
    assert {job for rule in rules() for job in re.findall(r'job="(\w+)"', str(rule["expr"]))} == jobs


def test_the_metrics_of_the_page_exist() -> None:
    page = (REPOSITORY / "docs/metrics.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(magicfs_\w+)", page))
    assert named == NAMES
