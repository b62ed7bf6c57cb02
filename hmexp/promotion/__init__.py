"""Which registered model is the champion."""
