"""Run by Alembic for every migration, on the connection that `migrate.py` hands over."""

from alembic import context

from interpreter.appointments.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
