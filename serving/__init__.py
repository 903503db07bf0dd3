"""Serving: the client, and the embedded server for hosts without TensorFlow Serving."""
