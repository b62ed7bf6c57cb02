"""Typed configuration: a module of dataclasses a section, and what Hydra needs to compose them."""
