"""Compiles the pipeline for a cluster: `python -m kubeflow.compile [--target vertex] [--config FILE] [--output FILE]`.

Target `kubeflow` is a package for Kubeflow Pipelines 2, and beside it one that only ingests (`*-ingest.yaml`); `vertex` is
the spec of TFX's KubeflowV2DagRunner for Vertex AI.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CONFIGS = {"kubeflow": "config.yaml", "vertex": "vertex.yaml"}
OUTPUT = FOLDER.parent / "build"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m kubeflow.compile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", choices=tuple(CONFIGS), default="kubeflow")
    parser.add_argument("--config", type=Path, help="a YAML file; by default config.yaml or vertex.yaml beside this one")
    parser.add_argument("--output", type=Path, help="the file to write; by default in build/")
    arguments = parser.parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from kubeflow.package_config_file import load

    try:
        config = load(arguments.config or FOLDER / CONFIGS[arguments.target])
        if arguments.target == "kubeflow":
            from kubeflow.compiler import compile_package

            output = arguments.output or OUTPUT / f"{config.pipeline_name}.yaml"
            compile_package(config, output)
            print(output)
            output = output.with_stem(f"{output.stem}-ingest")
            compile_package(config, output, ingest_only=True)
        else:
            from kubeflow.vertex import compile_spec

            output = arguments.output or OUTPUT / f"{config.pipeline_name}-vertex.json"
            compile_spec(config, output)
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
