"""Renderer of the embedded dataset: expressive faces from a parametric head."""
