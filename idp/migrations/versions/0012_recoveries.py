"""recoveries"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('recovery',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('account_id', sa.String(), nullable=True),
    sa.Column('phone_index', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('way', sa.String(), nullable=False),
    sa.Column('binding_code', sa.String(), nullable=False),
    sa.Column('started_at', sa.BigInteger(), nullable=False),
    sa.Column('ready_at', sa.BigInteger(), nullable=True),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('recovery', schema=None) as batch_op:
        batch_op.create_index('recovery_account', ['account_id', 'started_at'], unique=False)
        batch_op.create_index('recovery_phone', ['phone_index', 'started_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('recovery', schema=None) as batch_op:
        batch_op.drop_index('recovery_phone')
        batch_op.drop_index('recovery_account')

    op.drop_table('recovery')
