"""The command line: tensorflow_model_server's flags, and a few of this server's own."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from transform.bounds import MAX_CANDIDATES, MAX_SCORES

DESCRIPTION = """\
The embedded development server: TensorFlow Serving's protocol (gRPC, REST, configuration files, version
policies, labels, warm-up, metrics) on TensorFlow's Python package. It is NOT TensorFlow Serving, and is meant
for development and tests.

What it does not do, or does otherwise:
- It binds to loopback unless --host says otherwise; TensorFlow Serving binds to all interfaces.
- Messages and bodies are limited to 64 MiB unless told otherwise.
- Requests are bounded: candidates, scores, and how many are under way at once.
- A caller may change the configuration (HandleReloadConfigRequest) only with --enable_reload_config.
- A deadline ends the waiting of the caller, not the run of the model.
- gRPC health and reflection are always on.
- No TensorFlow Lite, TensorFlow Text, GPUs, XLA, profiler, request logging by the configuration, ALTS or SessionService.
- Requests share one Python process: it answers fewer of them per second.
"""


def _flag(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Flags:
    """Values of the flags, under their names."""

    port: int = _flag(8500, "gRPC port; 0: no TCP port.")
    grpc_socket_path: str = _flag("", "Unix socket to serve gRPC at, besides the port.")
    rest_api_port: int = _flag(0, "REST port; 0: no REST API.")
    rest_api_num_threads: int = _flag(4 * (os.cpu_count() or 1), "Threads that answer REST requests.")
    rest_api_timeout_in_ms: int = _flag(30000, "Time for receiving and answering a REST request.")
    rest_api_enable_cors_support: bool = _flag(False, "Send CORS headers.")
    model_name: str = _flag("default", "Name of the model at --model_base_path.")
    model_base_path: str = _flag("", "Folder of versions: absolute path or URI. Ignored with --model_config_file.")
    model_config_file: str = _flag("", "ModelServerConfig in text format.")
    model_config_file_poll_wait_seconds: int = _flag(0, "Seconds between looks at that file; 0: read once.")
    file_system_poll_wait_seconds: int = _flag(
        1, "Seconds between looks for new versions; 0: only when the configuration changes; negative: never."
    )
    allow_version_labels_for_unavailable_models: bool = _flag(
        False, "New labels may point to versions that are not available yet."
    )
    num_load_threads: int = _flag(0, "Versions that may load at once; 0: one.")
    max_num_load_retries: int = _flag(5, "Attempts to load a version after the first that failed.")
    load_retry_interval_micros: int = _flag(60_000_000, "Microseconds between these attempts.")
    enable_model_warmup: bool = _flag(True, "Replay assets.extra/tf_serving_warmup_requests before a version is available.")
    num_request_iterations_for_warmup: int = _flag(0, "Times that each warm-up request is run; 0: once.")
    saved_model_tags: str = _flag("serve", "Comma-separated tags of the MetaGraph to load.")
    tensorflow_session_config_file: str = _flag("", "ConfigProto in text format.")
    tensorflow_session_parallelism: int = _flag(0, "Sets both of the next two.")
    tensorflow_intra_op_parallelism: int = _flag(0, "TensorFlow's threads within an operation; 0: its choice.")
    tensorflow_inter_op_parallelism: int = _flag(
        0, "TensorFlow's threads for operations that could run at once; 0: the thread that asks."
    )
    enable_batching: bool = _flag(False, "Run requests that arrive together as one batch.")
    batching_parameters_file: str = _flag("", "BatchingParameters in text format.")
    monitoring_config_file: str = _flag("", "MonitoringConfig in text format: Prometheus metrics at the REST port.")
    ssl_config_file: str = _flag("", "SSLConfig in text format: TLS for gRPC. As in TensorFlow Serving, REST stays without.")
    grpc_channel_arguments: str = _flag("", "Comma-separated key=value, for gRPC: grpc.max_connection_age_ms=2000.")
    grpc_max_threads: int = _flag(4 * (os.cpu_count() or 1), "Threads that answer gRPC requests.")
    enable_grpc_healthcheck_service: bool = _flag(True, "gRPC health is always on; false is refused.")
    host: str = _flag("127.0.0.1", "Not in TensorFlow Serving. Address to bind to; 0.0.0.0: all interfaces.")
    grpc_max_message_bytes: int = _flag(64 * 2**20, "Not in TensorFlow Serving. Largest gRPC request.")
    rest_api_max_body_bytes: int = _flag(64 * 2**20, "Not in TensorFlow Serving. Largest REST request.")
    drain_seconds: int = _flag(
        30, "Not in TensorFlow Serving. Time for running requests to end after SIGTERM; then they are given up."
    )
    max_concurrent_requests: int = _flag(
        128, "Not in TensorFlow Serving. Requests under way or queued; more are refused: RESOURCE_EXHAUSTED, HTTP 429."
    )
    max_candidates: int = _flag(
        MAX_CANDIDATES, "Not in TensorFlow Serving. Largest second dimension of an input of strings; 0: any."
    )
    max_scores: int = _flag(MAX_SCORES, "Not in TensorFlow Serving. Most values of an input of strings; 0: any.")
    request_log: str = _flag(
        "", "Not in TensorFlow Serving, whose configuration says so. File for PredictionLogs of Predict over gRPC."
    )
    request_log_share: float = _flag(1.0, "Not in TensorFlow Serving. The share of the calls that are logged.")
    enable_reload_config: bool = _flag(
        False, "Not in TensorFlow Serving, where callers always may: let callers change what is served."
    )


_PARALLELISM = tuple(f"tensorflow_{kind}_parallelism" for kind in ("session", "intra_op", "inter_op"))
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def parse(arguments: Sequence[str], version: str) -> Flags:
    """Parses the command line; --help, --version and errors end the process, errors with status 2.

    Args:
        arguments: without the program's name.
        version: what --version prints.
    """
    parser = _parser(version)
    flags = Flags(**vars(parser.parse_args(arguments)))
    problem = _problem(flags)
    if problem:
        parser.error(problem)
    return flags


def _parser(version: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m serving",
        description=DESCRIPTION,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version)
    for flag in dataclasses.fields(Flags):
        text = f"{flag.metadata['help']} Default: {flag.default!r}."
        options: dict[str, Any] = {"default": flag.default, "help": text.replace("%", "%%"), "metavar": "VALUE"}
        if isinstance(flag.default, bool):
            options |= {"type": _boolean, "nargs": "?", "const": True}
        else:
            options["type"] = type(flag.default)
        parser.add_argument(f"--{flag.name}", **options)
    return parser


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise argparse.ArgumentTypeError(f"must be true or false. Received: '{text}'.")
    return _BOOLEANS[text.lower()]


def _problem(flags: Flags) -> str:
    """The first rule that the values break together; empty if they break none."""
    if flags.port == 0 and not flags.grpc_socket_path:
        return "At least one of --port or --grpc_socket_path must be set."
    for name in ("port", "rest_api_port"):
        if not 0 <= getattr(flags, name) < 2**16:
            return f"--{name} must be from 0 to 65535. Received: {getattr(flags, name)}."
    if flags.port and flags.port == flags.rest_api_port:
        return f"--rest_api_port must differ from --port. Received: {flags.port} for both."
    if not flags.model_base_path and not flags.model_config_file:
        return "Either --model_base_path or --model_config_file must be set."
    if flags.batching_parameters_file and not flags.enable_batching:
        return "--batching_parameters_file must come with --enable_batching."
    if flags.monitoring_config_file and not flags.rest_api_port:
        return "--monitoring_config_file must come with --rest_api_port, where metrics are served."
    if not flags.enable_grpc_healthcheck_service:
        return "--enable_grpc_healthcheck_service=false is not supported by the embedded server."
    if not 0 < flags.request_log_share <= 1:
        return f"--request_log_share must be above 0 and at most 1. Received: {flags.request_log_share}."
    parallelism = (
        flags.tensorflow_session_parallelism,
        flags.tensorflow_intra_op_parallelism,
        flags.tensorflow_inter_op_parallelism,
    )
    if all(parallelism):
        return "Set --tensorflow_session_parallelism, or the intra_op and inter_op ones, but not all three."
    for name in (
        "rest_api_num_threads",
        "grpc_max_threads",
        "grpc_max_message_bytes",
        "rest_api_max_body_bytes",
        "max_concurrent_requests",
    ):
        if getattr(flags, name) < 1:
            return f"--{name} must be positive. Received: {getattr(flags, name)}."
    for name in (
        "num_load_threads",
        "max_num_load_retries",
        "drain_seconds",
        "max_candidates",
        "max_scores",
        "num_request_iterations_for_warmup",
        *_PARALLELISM,
    ):
        if getattr(flags, name) < 0:
            return f"--{name} must not be negative. Received: {getattr(flags, name)}."
    return ""
