"""The champion behind a web page and a JSON API."""
