"""The HTTP API and the pages: handlers turn HTTP into queries and actions and back, and decide nothing."""
