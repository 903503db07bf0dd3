"""Publishes a model where TensorFlow Serving finds it: whole, once, and only if nothing speaks against it."""
