"""The clock, supervision and processes: asyncio, no domain."""
