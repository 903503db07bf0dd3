"""Equips KFP's tasks with what the configuration gives them."""

from __future__ import annotations

from collections.abc import Mapping

from kfp import dsl, kubernetes
from kfp.pipeline_spec import pipeline_spec_pb2

from kubeflow.notify import WEBHOOK
from kubeflow.package_config import PackageConfig
from kubeflow.package_parts import LABEL, Setting
from kubeflow.step_config import Step
from kubeflow.store import PREFIX


def equip(task: dsl.PipelineTask, config: PackageConfig, node: str, description: str) -> dsl.PipelineTask:
    """Gives a task its resources, its repetitions, its environment and its volumes.

    Args:
        task: The task.
        config: The configuration.
        node: The node's id.
        description: What the node does.

    Returns:
        The task.
    """
    step = config.step(node)
    task.set_display_name(f"{node}: {description}")
    # TFX has a cache of its own, which knows more.
    task.set_caching_options(False)
    _size(task, step)
    retries = step.retries
    if retries.count:
        task.set_retry(retries.count, backoff_duration=f"{retries.wait_seconds}s", backoff_factor=retries.factor)
    kubernetes.set_timeout(task, step.timeout_seconds)
    # The network policy of kubeflow/manifests selects it.
    kubernetes.add_pod_label(task, *LABEL)
    kubernetes.set_image_pull_policy(task, config.image_pull_policy)
    if config.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, config.image_pull_secrets)
    for volume in config.volumes:
        kubernetes.mount_pvc(task, volume.claim, volume.mount_path, volume.sub_path)
    for key, value in sorted(step.node_selector.items()):
        kubernetes.add_node_selector(task, key, value)
    for toleration in step.tolerations:
        kubernetes.add_toleration(task, toleration.key, toleration.operator, toleration.value, toleration.effect)
    _set_environment(task, {**_metadata(config), **step.environment})
    if config.notification is not None:
        _set_environment(task, {WEBHOOK: config.notification.webhook})
    return task


def allow_all_attempts(spec: pipeline_spec_pb2.PipelineSpec, config: PackageConfig) -> None:
    """Lets every attempt of every step last as long as its timeout.

    Argo takes `backoff_max_duration` as the time since the first attempt's start after which no attempt is started, and one
    that runs is killed. KFP's SDK makes it an hour at most; its server takes any.

    Args:
        spec: The compiled spec, which is changed.
        config: The configuration.
    """
    for component in (spec.root, *spec.components.values()):
        for name, task in component.dag.tasks.items():
            if task.HasField("retry_policy"):
                step = config.step(name.replace("-", "_"))
                task.retry_policy.backoff_max_duration.seconds = step.retry_seconds


def _size(task: dsl.PipelineTask, step: Step) -> None:
    task.set_cpu_request(step.cpu)
    if step.cpu_limit is not None:
        task.set_cpu_limit(step.cpu_limit)
    task.set_memory_request(step.memory)
    task.set_memory_limit(step.memory_limit or step.memory)


def _metadata(config: PackageConfig) -> dict[str, Setting]:
    store = config.metadata_store
    if store is None:
        return {}
    settings = {
        "HOST": store.host,
        "PORT": store.port,
        "DATABASE": store.database,
        "USER": store.user,
        "PASSWORD": store.password,
    }
    if store.tls is not None:
        settings["TLS"] = Setting(value=store.tls.mode)
        if store.tls.root_certificate is not None:
            settings["ROOT_CERTIFICATE"] = store.tls.root_certificate
    return {PREFIX + name: setting for name, setting in settings.items()}


def _set_environment(task: dsl.PipelineTask, settings: Mapping[str, Setting]) -> None:
    for variable, setting in settings.items():
        if setting.value is not None:
            task.set_env_variable(variable, setting.value)
        elif setting.secret is not None:
            kubernetes.use_secret_as_env(task, setting.secret, {str(setting.key): variable})
        else:
            kubernetes.use_config_map_as_env(task, str(setting.config_map), {str(setting.key): variable})
