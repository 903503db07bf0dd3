"""How a model is served before it is published, and what is asked of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.base import Settings, setting


class ServingSettings(Settings):
    """Serving the model before it is published."""

    serving_validator: Literal["auto", "binary", "embedded", "kubernetes", "none"] = setting(
        "auto",
        "The server that must load and answer for the model: tensorflow_model_server, the embedded one, or (`auto`) the "
        "first if it is on the PATH, else the second; `kubernetes`, TFX's InfraValidator with SERVING_IMAGE, on Kubeflow "
        "alone; `none` publishes unserved.",
    )
    serving_rows: int = setting(200, "How many of the judging rows the server is asked to score.", ge=1)
    serving_start_seconds: float = setting(300, "The most seconds that the server may take to load the model.", gt=0)
    max_serving_ms: Annotated[float, Field(gt=0)] | None = setting(
        None,
        "The most milliseconds that the server may take to rank 100 candidates, in the median; `none` asks nothing.",
        main=True,
    )
    serving_image: str = setting(
        "tensorflow/serving:2.20.0",
        "The image of TensorFlow Serving, with `kubernetes`.",
        pattern=r"^[^\s:]+(:[0-9]+/[^\s:]+)?:[^\s:/]+$",
    )
