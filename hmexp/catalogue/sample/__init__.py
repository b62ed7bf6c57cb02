"""The generated catalogue: about 2,000 drawn articles in exactly H&M's layout, the same ones everywhere."""

from hmexp.catalogue.sample.generate import SAMPLE_VERSION, generate_sample, sample_articles, sample_pictures

__all__ = ["SAMPLE_VERSION", "generate_sample", "sample_articles", "sample_pictures"]
