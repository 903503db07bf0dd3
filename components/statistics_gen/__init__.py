"""Statistics of the ingested examples, token by token."""

# TFX stands in for a module that TFDV 1.16.1 imports and tfx-bsl 1.21 no longer has: it must come before TFDV.
import tfx  # noqa: F401
