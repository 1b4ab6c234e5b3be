"""backchannel requests"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backchannel_request",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("relying_party_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("delivery", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=True),
        sa.Column("next_try_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["relying_party_id"],
            ["relying_party.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("backchannel_request", schema=None) as batch_op:
        batch_op.create_index(
            "backchannel_request_account", ["account_id", "made_at"], unique=False
        )
        batch_op.create_index("backchannel_request_due", ["next_try_at"], unique=False)
        batch_op.create_index(
            "backchannel_request_expires", ["expires_at"], unique=False
        )

    op.create_table(
        "push_block",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("relying_party_id", sa.String(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["relying_party_id"],
            ["relying_party.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "relying_party_id"),
    )
    with op.batch_alter_table("push_block", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_push_block_ends_at"), ["ends_at"], unique=False
        )

    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("subject", sa.String(), nullable=False, server_default="")
        )
        batch_op.create_index(
            "consent_subject", ["relying_party_id", "subject"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_index("consent_subject")
        batch_op.drop_column("subject")
    op.drop_table("push_block")
    op.drop_table("backchannel_request")
