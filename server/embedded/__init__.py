"""What the demo and the tests bring along so that a bare machine needs nothing: PostgreSQL and a broker."""
