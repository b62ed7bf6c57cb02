"""The verb `clean`: finds what was left behind, says why it may go, and removes it."""
