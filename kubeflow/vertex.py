"""Compiles the pipeline to the spec that TFX's KubeflowV2DagRunner makes for Vertex AI Pipelines.

Vertex runs each executor, and resolves inputs and examples itself. It cannot run what this project resolves: the window of
earlier spans, the baseline by span, the check for a later span's model, and the choice of a span. So the graph is a smaller
one there: it trains and judges on the two splits of one flat folder of CSVs, and its baseline is the model that was blessed
last.
"""

from __future__ import annotations

from pathlib import Path

from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

from kubeflow.package_config import PackageConfig
from pipeline.pipeline import create_pipeline
from pipeline.strategies import OF_TFX


def compile_spec(config: PackageConfig, path: Path) -> None:
    """Writes the spec, a JSON file. The same configuration and code give the same bytes.

    Args:
        config: The configuration. Its volumes, resources, secrets and parameters have no part in the spec.
        path: The file.

    Raises:
        ValueError: The data or the state is not on gs://.
    """
    for name in ("data_root", "state_root"):
        if not getattr(config, name).startswith("gs://"):
            raise ValueError(f"`{name}` must be on gs:// for Vertex AI. Received: {getattr(config, name)}.")
    runner = KubeflowV2DagRunner(
        KubeflowV2DagRunnerConfig(display_name=config.pipeline_name, default_image=config.image, use_pipeline_spec_2_1=True),
        output_dir=str(path.parent),
        output_filename=path.name,
    )
    runner.run(create_pipeline(config.run_config(), strategies=OF_TFX, run_id=""))
