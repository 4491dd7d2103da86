"""The tables of policy.toml by topic: what each may say, with its bounds and the shipped values."""
