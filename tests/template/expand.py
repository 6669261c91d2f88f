"""`template.yaml` with only its loops expanded, for tools that do not know Fn::ForEach."""

import json
import sys
from pathlib import Path

from cfnlint.decode import decode
from cfnlint.template import Template
from cfnlint.template.transforms._language_extensions import language_extension
from samcli.yamlhelper import yaml_dump, yaml_parse

ROOT = Path(__file__).parents[2]


def written(path="template.yaml"):
    """A template as it is written. It is read each time, because SAM modifies what it transforms."""
    return yaml_parse((ROOT / path).read_text())


def expanded():
    path = str(ROOT / "template.yaml")
    template, problems = decode(path)
    assert not problems, problems
    problems, template = language_extension(Template(path, template))
    assert not problems, problems
    return json.loads(json.dumps(template))


if __name__ == "__main__":
    sys.stdout.write(yaml_dump(expanded()))
