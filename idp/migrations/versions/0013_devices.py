"""devices"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('device', schema=None) as batch_op:
        batch_op.add_column(sa.Column('suspended_at', sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column('attestation', sa.String(), nullable=False, server_default='')
        )
        batch_op.add_column(sa.Column('attested_at', sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('device', schema=None) as batch_op:
        batch_op.drop_column('attested_at')
        batch_op.drop_column('attestation')
        batch_op.drop_column('suspended_at')
