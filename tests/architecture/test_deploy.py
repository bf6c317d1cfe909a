"""What is deployed is what its schemas allow, checked without a cluster or a container engine; planted faults are seen."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.tree import ROOT

DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "kustomize" / "base"
_BIN = Path(sys.executable).parent


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_BIN / command[0], *command[1:]], capture_output=True, text=True, check=False, cwd=ROOT
    )


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def objects() -> list[dict[str, Any]]:
    """Every object of the base, in the order of its kustomization."""
    (kustomization,) = documents(BASE / "kustomization.yaml")
    return [item for name in kustomization["resources"] for item in documents(BASE / name)]


def test_the_image_is_built_as_its_linter_likes_it() -> None:
    assert run("hadolint", DEPLOY / "Dockerfile").stdout == ""


def test_a_planted_fault_in_the_image_is_found(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN pip install ortools\n")
    assert "DL3006" in run("hadolint", tmp_path / "Dockerfile").stdout


def test_compose_follows_its_schema() -> None:
    done = run(
        "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"
    )
    assert done.returncode == 0, done.stdout


def test_a_planted_fault_in_compose_is_found(tmp_path: Path) -> None:
    copy = tmp_path / "compose.yaml"
    copy.write_text((DEPLOY / "compose.yaml").read_text().replace("cap_drop:", "cap_dropped:"))
    done = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", copy)
    assert done.returncode == 1


def test_every_object_follows_its_schema(tmp_path: Path) -> None:
    copy = tmp_path / "objects.yaml"
    copy.write_text(yaml.safe_dump_all(objects()))
    done = run("kubernetes-validate", "--strict", copy)
    assert done.returncode == 0, done.stderr


def test_a_planted_fault_in_an_object_is_found(tmp_path: Path) -> None:
    first = next(item for item in objects() if item["kind"] == "Deployment")
    first["spec"]["replica"] = 2
    copy = tmp_path / "objects.yaml"
    copy.write_text(yaml.safe_dump(first))
    assert run("kubernetes-validate", "--strict", copy).returncode != 0


def test_yaml_is_tidy() -> None:
    done = run("yamllint", "-c", DEPLOY / ".yamllint.yaml", DEPLOY)
    assert done.returncode == 0, done.stdout


def test_no_file_of_the_base_is_forgotten() -> None:
    (kustomization,) = documents(BASE / "kustomization.yaml")
    there = {path.name for path in BASE.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == there


@pytest.mark.parametrize(
    "deployment",
    [item for item in objects() if item["kind"] == "Deployment"],
    ids=lambda item: str(item["metadata"]["name"]),
)
def test_every_deployment_is_probed_limited_and_tells_no_secret(deployment: dict[str, Any]) -> None:
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    (container,) = pod["containers"]
    assert "livenessProbe" in container
    for one in [container, *pod.get("initContainers", [])]:
        assert one["resources"]["limits"]["memory"]
        for variable in one["env"]:
            if re.search("KEY|SECRET|DSN|PASSWORD", variable["name"]):
                assert "secretKeyRef" in variable["valueFrom"], variable["name"]


def test_what_is_run_is_there() -> None:
    """Every `python -m` argument in deploy/ names a module of the tree."""
    commands = [
        service.get("command")
        for service in documents(DEPLOY / "compose.yaml")[0]["services"].values()
    ]
    for item in objects():
        pod = item.get("spec", {}).get("template", {}).get("spec", {})
        commands += [
            one["args"] for one in [*pod.get("containers", []), *pod.get("initContainers", [])]
        ]
    for command in filter(None, commands):
        module = ROOT.joinpath(*command[0].split("."))
        assert module.with_suffix(".py").exists() or (module / "__main__.py").exists(), command


def test_the_linters_are_there() -> None:
    assert all(shutil.which(name, path=str(_BIN)) for name in ("hadolint", "yamllint"))
