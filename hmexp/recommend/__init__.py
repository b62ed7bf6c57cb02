"""Similar articles: features of a catalogue's pictures, and the nearest of them."""
