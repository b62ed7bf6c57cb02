"""The routes of the JSON API, a module each subject."""
