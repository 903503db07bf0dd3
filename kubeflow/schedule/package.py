"""What the schedule needs to know of a compiled package: its name, its content's digest, its steps and its parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from kubeflow.schedule.errors import UsageError

Value = str | int | float | bool | list[Any] | dict[str, Any]

_DIGEST_LENGTH = 12
_BOOLEANS = {"true": True, "false": False}
_READ: dict[str, Callable[[str], Value]] = {
    "STRING": str,
    "NUMBER_INTEGER": int,
    "NUMBER_DOUBLE": float,
    "BOOLEAN": lambda text: _BOOLEANS[text.lower()],
    "LIST": lambda text: _json_of(text, list),
    "STRUCT": lambda text: _json_of(text, dict),
}


@dataclass(frozen=True)
class Parameter:
    """A pipeline parameter: its type in the pipeline spec's words, and whether a run may leave it out."""

    type: str
    optional: bool


@dataclass(frozen=True)
class Package:
    """A compiled pipeline."""

    name: str
    steps: tuple[str, ...]
    parameters: Mapping[str, Parameter]

    @classmethod
    def of_documents(cls, documents: Iterable[Any]) -> Package:
        """Reads a pipeline spec, and a platform spec if there is one, as YAML or the server has them.

        Raises:
            UsageError: They are not a pipeline spec of schema 2.
        """
        parts = list(documents)
        try:
            spec = json_format.ParseDict(parts[0], pipeline_spec_pb2.PipelineSpec())
            for part in parts[1:]:
                json_format.ParseDict(part, pipeline_spec_pb2.PlatformSpec())
        except (json_format.ParseError, IndexError, TypeError, AttributeError) as error:
            raise UsageError(f"A package must hold a pipeline spec and its platform spec. Received: {error}.") from error
        if not spec.schema_version.startswith("2."):
            raise UsageError(f"A package must be of schema version 2. Received: {spec.schema_version!r}.")
        components = [spec.root, *spec.components.values()]
        tasks = [item for component in components for item in sorted(component.dag.tasks.items())]
        # Of a group of steps, such as KFP's exit handler, only its steps. A step goes by its key, or by the name for people.
        steps = [item for item in tasks if spec.components[item[1].component_ref.name].executor_label]
        names = tuple(dict.fromkeys(name for key, task in steps for name in (key, task.task_info.name) if name))
        parameters = {
            name: Parameter(
                pipeline_spec_pb2.ParameterType.ParameterTypeEnum.Name(parameter.parameter_type),
                parameter.is_optional or parameter.HasField("default_value"),
            )
            for name, parameter in spec.root.input_definitions.parameters.items()
        }
        return cls(spec.pipeline_info.name, names, parameters)

    def values(self, texts: Mapping[str, str]) -> dict[str, Value]:
        """Reads the values of parameters by the types that the package declares.

        Raises:
            UsageError: A parameter is unknown, missing, or not of its type.
        """
        values: dict[str, Value] = {}
        for name, text in texts.items():
            if name not in self.parameters:
                known = ", ".join(sorted(self.parameters)) or "none"
                raise UsageError(f"`--parameter` must name one of the package's parameters ({known}). Received: {name!r}.")
            kind = self.parameters[name].type
            try:
                values[name] = _READ[kind](text)
            except (ValueError, KeyError) as error:
                raise UsageError(f"`--parameter {name}` must be a {kind}. Received: {text!r}.") from error
        missing = [name for name, parameter in self.parameters.items() if not parameter.optional and name not in texts]
        if missing:
            raise UsageError(f"`--parameter` must give each parameter without a default. Missing: {', '.join(missing)}.")
        return values


@dataclass(frozen=True)
class PackageFile:
    """A package on disk. Its version is named by its content, so that the same content is uploaded once."""

    path: Path
    version: str
    package: Package

    @classmethod
    def read(cls, path: Path) -> PackageFile:
        """Reads the file that `make kubeflow` writes.

        Raises:
            UsageError: There is no such file, or it is not a package.
        """
        if path.suffix not in (".yaml", ".yml"):
            raise UsageError(f"`--package` must be a YAML file. Received: '{path}'.")
        try:
            content = path.read_bytes()
            documents = list(yaml.safe_load_all(content))
        except (OSError, yaml.YAMLError) as error:
            raise UsageError(
                f"`--package` must be a compiled package; `make kubeflow` writes it. Received: {error}."
            ) from error
        package = Package.of_documents(documents)
        digest = hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]
        return cls(path, f"{package.name}-{digest}", package)


def _json_of(text: str, kind: type[list[Any]] | type[dict[str, Any]]) -> Value:
    value = json.loads(text)
    if not isinstance(value, kind):
        raise ValueError(f"not a {kind.__name__}")
    return value
