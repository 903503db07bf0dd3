"""The embedded server: TensorFlow Serving's protocol on TensorFlow's Python package, for development and CI."""
