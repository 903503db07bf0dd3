"""Stands in for grpcurl, https://github.com/fullstorydev/grpcurl, where that is not installed: what our README uses of it.

grpcurl -plaintext [-d DATA] ADDRESS list | SERVICE/METHOD
"""

from __future__ import annotations

import argparse
import sys

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def main(argv: list[str]) -> None:
    """Prints the services, or the answer to a request, both as the server's reflection tells."""
    parser = argparse.ArgumentParser(prog="grpcurl", allow_abbrev=False)
    parser.add_argument("-plaintext", action="store_true", required=True)
    parser.add_argument("-d", default="", help="the request as JSON, or @ for standard input")
    parser.add_argument("address")
    parser.add_argument("symbol")
    given = parser.parse_args(argv)
    with grpc.insecure_channel(given.address) as channel:
        reflection = ProtoReflectionDescriptorDatabase(channel)
        print("\n".join(reflection.get_services()) if given.symbol == "list" else call(channel, reflection, given))


def call(channel: grpc.Channel, reflection: ProtoReflectionDescriptorDatabase, given: argparse.Namespace) -> str:
    """The answer as JSON, with the names of protobuf's JSON mapping."""
    service, name = given.symbol.split("/")
    pool = descriptor_pool.DescriptorPool(reflection)
    method = pool.FindServiceByName(service).FindMethodByName(name)
    request = message_factory.GetMessageClass(method.input_type)()
    json_format.Parse(sys.stdin.read() if given.d == "@" else given.d, request, descriptor_pool=pool)
    send = channel.unary_unary(
        f"/{given.symbol}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    return str(json_format.MessageToJson(send(request, timeout=60)))


if __name__ == "__main__":
    main(sys.argv[1:])
