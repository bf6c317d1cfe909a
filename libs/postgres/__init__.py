"""PostgreSQL as the services use it: a pool, one transaction per handler, migrations, refusals by constraint name."""
