"""A trained model put to work: whole catalogues, and files for other runtimes."""
