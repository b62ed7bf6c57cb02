"""articles.csv or folders -> Manifest: read, merge, split, balance."""
