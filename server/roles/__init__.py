"""Each role wired in one straight function: settings in, services under one supervisor, until `stop`."""
