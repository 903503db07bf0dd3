"""Compiles the pipeline for a cluster.

    python -m kubeflow.compile [--target vertex] [--config FILE] [--output FILE]

Target `kubeflow` is a package for Kubeflow Pipelines 2, and beside it one that only ingests (`*-ingest.yaml`); `vertex` is
the spec of TFX's KubeflowV2DagRunner for Vertex AI.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

FOLDER = Path(__file__).resolve().parent
CONFIGS = {"kubeflow": "config.yaml", "vertex": "vertex.yaml"}
OUTPUT = FOLDER.parent / "build"


@click.command(help=(__doc__ or "").splitlines()[0], context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--target", type=click.Choice(list(CONFIGS)), default="kubeflow")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    help="A YAML file; by default config.yaml or vertex.yaml beside this one.",
)
@click.option("--output", type=click.Path(path_type=Path), help="The file to write; by default in build/.")
def main(target: str, file: Path | None, output: Path | None) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from kubeflow.package_config_file import load

    try:
        config = load(file or FOLDER / CONFIGS[target])
        if target == "kubeflow":
            from kubeflow.compiler import compile_package

            output = output or OUTPUT / f"{config.pipeline_name}.yaml"
            compile_package(config, output)
            click.echo(output)
            output = output.with_stem(f"{output.stem}-ingest")
            compile_package(config, output, ingest_only=True)
        else:
            from kubeflow.vertex import compile_spec

            output = output or OUTPUT / f"{config.pipeline_name}-vertex.json"
            compile_spec(config, output)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(output)


if __name__ == "__main__":
    main(prog_name="python -m kubeflow.compile")
