"""What a catalogue holds: measured, put into words, and shown on a page."""
