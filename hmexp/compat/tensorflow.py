"""What hmexp takes from TensorFlow that it does not export; checked against `CHECKED`.

Importing this imports nothing. `tests/compat/test_tensorflow_names.py` fails where one of these names changes.
"""

CHECKED = "2.21"


def memory_limit(name: str) -> int | None:
    """Bytes that TensorFlow may take of a device, by the end of its name; None without such a device.

    The public `get_memory_info` says what is taken, not of how much.
    """
    from tensorflow.python.client import device_lib

    found = [device for device in device_lib.list_local_devices() if device.name.endswith(name)]
    return int(found[0].memory_limit) if found else None
