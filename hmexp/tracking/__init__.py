"""MLflow: the recorder, the leaderboard and the registry."""
