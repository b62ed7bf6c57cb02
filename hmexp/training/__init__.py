"""Optimizer, callbacks and the Trainer around Keras's fit."""
