"""The command line."""

from __future__ import annotations

import pytest

from serving.server import flags
from serving.server.errors import ServingError
from serving.server.grpc_server import channel_arguments

MODEL = "--model_base_path=/models/m"


def test_flags_are_tensorflow_model_servers() -> None:
    parsed = flags.parse([MODEL, "--port=1", "--rest_api_port=2", "--enable_batching", "--enable_model_warmup=false"], "")
    assert parsed == flags.Flags(
        model_base_path="/models/m", port=1, rest_api_port=2, enable_batching=True, enable_model_warmup=False
    )
    assert parsed.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([MODEL, "--no_such_flag=1"], "unrecognized arguments: --no_such_flag=1"),
        ([MODEL, "--rest_api=1"], "unrecognized arguments"),  # no abbreviations
        ([MODEL, "stray"], "unrecognized arguments: stray"),
        ([MODEL, "--port=x"], "invalid int value: 'x'"),
        ([MODEL, "--enable_batching=maybe"], "must be true or false. Received: 'maybe'."),
        ([MODEL, "--prefer_tflite_model=true"], "unrecognized arguments: --prefer_tflite_model=true"),
        ([], "Either --model_base_path or --model_config_file must be set."),
        ([MODEL, "--port=0"], "At least one of --port or --grpc_socket_path must be set."),
        ([MODEL, "--port=65536"], "--port must be from 0 to 65535. Received: 65536."),
        ([MODEL, "--rest_api_port=8500"], "--rest_api_port must differ from --port"),
        ([MODEL, "--batching_parameters_file=f"], "must come with --enable_batching"),
        ([MODEL, "--monitoring_config_file=f"], "must come with --rest_api_port"),
        ([MODEL, "--grpc_max_threads=0"], "--grpc_max_threads must be positive. Received: 0."),
        ([MODEL, "--max_num_load_retries=-1"], "--max_num_load_retries must not be negative. Received: -1."),
        (
            [MODEL, *(f"--tensorflow_{kind}_parallelism=1" for kind in ("session", "intra_op", "inter_op"))],
            "but not all three",
        ),
    ],
)
def test_a_wrong_flag_ends_the_process_and_says_which(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        flags.parse(arguments, "")
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_help_says_what_it_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        flags.parse(["--help"], "")
    shown = capsys.readouterr().out
    assert "NOT TensorFlow Serving" in shown
    assert "It binds to loopback" in shown


def test_channel_arguments_are_ints_where_they_can_be() -> None:
    parsed = channel_arguments("grpc.max_connection_age_ms=2000,grpc.lb_policy_name=grpclb,grpc.x=-1")
    assert parsed == {"grpc.max_connection_age_ms": 2000, "grpc.lb_policy_name": "grpclb", "grpc.x": -1}
    with pytest.raises(ServingError, match="must be key=value pairs"):
        channel_arguments("grpc.max_connection_age_ms")
