"""The first table."""

import sqlalchemy as sa
from alembic import op

revision = "appointments"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "appointments",
        sa.Column("id", sa.String(6), primary_key=True),
        sa.Column("starts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_language", sa.String(3), nullable=False),
        sa.Column("visitor_language", sa.String(3)),
        sa.Column("office", sa.String(100), nullable=False),
        sa.Column("simultaneous", sa.Boolean(), nullable=False),
        sa.Column("over", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_appointments_ends", "appointments", ["ends"])


def downgrade() -> None:
    op.drop_index("ix_appointments_ends", "appointments")
    op.drop_table("appointments")
