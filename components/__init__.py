"""The pipeline's own components, and the configuration of TFX's."""
