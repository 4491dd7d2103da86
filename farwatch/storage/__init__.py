"""The only door to asyncpg: migrations, and one store per aggregate."""
