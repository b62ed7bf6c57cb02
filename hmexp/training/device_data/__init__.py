"""Training pictures that live on the device: a batch is gathered there, and only its rows travel."""

from hmexp.training.device_data.protocol import DeviceData, PlacedPictures

__all__ = ["DeviceData", "PlacedPictures"]
