"""The log's seals: the key, the hourly roots, their time stamps, and the case file that proves itself."""
