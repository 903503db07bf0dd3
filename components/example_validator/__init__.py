"""Validation of the ingested data and of the vocabularies: what stops a bad day before anything is trained."""

# TFX stands in for a module that TFDV 1.16.1 imports and tfx-bsl 1.21 no longer has: it must come before TFDV.
import tfx  # noqa: F401
