"""A small package. (kfp reads the annotations of components as objects, so this file must not postpone their evaluation.)"""

from pathlib import Path

from kfp import compiler, dsl

PIPELINE = "community-din"


@dsl.container_component
def example_gen(data_root: str, span: str) -> dsl.ContainerSpec:
    return dsl.ContainerSpec(image="registry.example/din:1", command=["ingest"], args=[data_root, span])


@dsl.container_component
def trainer(epochs: int) -> dsl.ContainerSpec:
    return dsl.ContainerSpec(image="registry.example/din:1", command=["train"], args=[epochs])


@dsl.container_component
def report() -> dsl.ContainerSpec:
    return dsl.ContainerSpec(image="registry.example/din:1", command=["report"])


def compile_package(path: Path, default_span: str = "newest", name: str = PIPELINE) -> Path:
    """Writes a package of three steps, one an exit handler, and three parameters; another default makes another version."""

    @dsl.pipeline(name=name)
    def pipeline(data_root: str = "/data", span: str = default_span, epochs: int = 1) -> None:
        with dsl.ExitHandler(report()):
            trainer(epochs=epochs).after(example_gen(data_root=data_root, span=span))

    compiler.Compiler().compile(pipeline, str(path))
    return path
