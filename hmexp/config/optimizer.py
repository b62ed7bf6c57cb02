"""The `optimizer` section."""

from dataclasses import dataclass

from hmexp.config.fields import Section, number


@dataclass
class OptimizerConfig(Section, key="optimizer"):
    """An optimizer; the subclasses say which."""

    learning_rate: float = number(1e-3, gt=0, le=1e15)
    """Learning rate; the peak, where a schedule moves it."""
    clip_norm: float | None = number(None, gt=0, le=1e9)
    """Largest norm of all gradients together; null does not clip."""


@dataclass
class AdamConfig(OptimizerConfig):
    """Adam (Kingma and Ba 2015)."""

    beta_1: float = number(0.9, ge=0, lt=1)
    """Decay of the mean of the gradients."""
    beta_2: float = number(0.999, ge=0, lt=1)
    """Decay of the mean of their squares."""
    epsilon: float = number(1e-7, gt=0, le=1)
    """Added to the denominator."""


@dataclass
class AdamWConfig(AdamConfig):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    weight_decay: float = number(0.004, ge=0, le=1000)
    """Share of the weights taken off at each step, times the learning rate; biases and norms are left alone."""


@dataclass
class SgdConfig(OptimizerConfig):
    """Stochastic gradient descent with momentum."""

    learning_rate: float = number(1e-2, gt=0, le=1e15)
    """Learning rate; the peak, where a schedule moves it."""
    momentum: float = number(0.9, ge=0, lt=1)
    """Share of the last step that is taken again."""
    nesterov: bool = False
    """Look ahead along the momentum."""
    weight_decay: float = number(0.0, ge=0, le=1000)
    """Share of the weights taken off at each step, times the learning rate; biases and norms are left alone."""


@dataclass
class LionConfig(OptimizerConfig):
    """Lion: the sign of the momentum (Chen et al. 2023); wants about a tenth of Adam's learning rate."""

    learning_rate: float = number(1e-4, gt=0, le=1e15)
    """Learning rate; the peak, where a schedule moves it."""
    beta_1: float = number(0.9, ge=0, lt=1)
    """Share of the momentum in the step."""
    beta_2: float = number(0.99, ge=0, lt=1)
    """Decay of the momentum."""
    weight_decay: float = number(0.04, ge=0, le=1000)
    """Share of the weights taken off at each step, times the learning rate; biases and norms are left alone."""


@dataclass
class MuonConfig(OptimizerConfig):
    """Muon (Jordan et al. 2024): orthogonal steps for all hidden kernels, Adam for the rest."""

    learning_rate: float = number(0.02, gt=0, le=1e15)
    """Learning rate of the kernels; the peak, where a schedule moves it."""
    adam_ratio: float = number(0.2, gt=0, le=1000)
    """Factor of the learning rate for what goes by Adam: first convolution, last layer, norms, biases."""
    momentum: float = number(0.95, ge=0, lt=1)
    """Share of the last step that is taken again."""
    weight_decay: float = number(0.0, ge=0, le=1000)
    """Share of the weights taken off at each step, times the learning rate; biases and norms are left alone."""
