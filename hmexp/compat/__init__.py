"""Private names of libraries, each held in one place with the version that it was checked against."""
