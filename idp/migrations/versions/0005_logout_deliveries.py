"""logout deliveries"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('logout_delivery',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('session_id', sa.String(), nullable=False),
    sa.Column('relying_party_id', sa.String(), nullable=False),
    sa.Column('account_id', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('answer', sa.String(), nullable=False),
    sa.Column('attempts', sa.BigInteger(), nullable=False),
    sa.Column('made_at', sa.BigInteger(), nullable=False),
    sa.Column('next_attempt_at', sa.BigInteger(), nullable=False),
    sa.Column('closed_at', sa.BigInteger(), nullable=True),
    sa.Column('lease', sa.String(), nullable=False),
    sa.Column('lease_until', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('logout_delivery', schema=None) as batch_op:
        batch_op.create_index('logout_delivery_made', ['made_at'], unique=False)
        batch_op.create_index('logout_delivery_next', ['state', 'next_attempt_at'], unique=False)
        batch_op.create_index('logout_delivery_party', ['relying_party_id', 'made_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('logout_delivery', schema=None) as batch_op:
        batch_op.drop_index('logout_delivery_party')
        batch_op.drop_index('logout_delivery_next')
        batch_op.drop_index('logout_delivery_made')

    op.drop_table('logout_delivery')
