"""What checks an evidence ZIP away from the service: a command of one file, and a page of one file."""
