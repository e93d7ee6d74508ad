"""What docs/aws.md and docs/kubernetes.md tell to type names what is there."""

import re
import shlex
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_the_stacks_know_what_they_are_told(pages):
    page = pages["docs/aws.md"]
    told = 0
    for step in page.steps("prepare") + page.steps("stacks"):
        for path in re.findall(r"compose/[\w/.]+", step.command):
            assert (ROOT / path).is_file(), path
        if template := re.search(r"--template-file (\S+)", step.command):
            text = (ROOT / template[1]).read_text()
            parameters = text.partition("\nParameters:\n")[2].partition("\nResources:\n")[0]
            given = step.command.partition("--parameter-overrides ")[2].partition(";")[0]
            for pair in given.split():
                assert f"\n  {pair.partition('=')[0]}:" in f"\n{parameters}"
                told += 1
    assert told == 4


def test_the_manifest_wants_the_secret_that_is_made(pages):
    _, secret, apply, logs = pages["docs/kubernetes.md"].steps("kubernetes")
    manifest = ROOT / shlex.split(apply.command)[-1]
    objects = list(yaml.safe_load_all(manifest.read_text()))
    assert "secret generic redis --from-literal=password=" in secret.command
    assert "secret: {secretName: redis}" in manifest.read_text()
    assert "/run/secrets/redis/password" in manifest.read_text()
    job = logs.command.rpartition("job/")[2]
    assert ("Job", job) in {(each["kind"], each["metadata"]["name"]) for each in objects}
