"""Data loggers (数采仪) that speak HJ 212: their TCP connections, and the commands that go down to them."""
