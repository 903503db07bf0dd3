"""Serves a model, and asks it, before it is published."""
