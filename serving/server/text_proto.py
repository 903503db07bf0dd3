"""Reads the text-format files that flags name."""

from __future__ import annotations

import logging
from typing import TypeVar

import tensorflow as tf
from google.protobuf import text_format
from google.protobuf.message import Message

from serving.server.errors import from_tensorflow, invalid_argument

LOG = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)


def read(path: str, message: M) -> M:
    """Parses a text-format file into `message` and returns it.

    Raises:
        ServingError: the file cannot be read, or is not text format of that message; the parser's complaint is logged in the
            words that TensorFlow Serving's log has.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            text = file.read()
    except tf.errors.OpError as error:
        raise from_tensorflow(error) from error
    try:
        text_format.Parse(text, message)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        LOG.error("Error parsing text-format %s: %s", message.DESCRIPTOR.full_name, error)
        raise invalid_argument(f"Invalid protobuf file: '{path}'") from error
    return message
