"""The roof: settings, wiring, roles, the command line and the HTTP API."""
