"""signing keys"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

ONE_OF_EACH = sa.text("state IN ('current', 'next')")


def upgrade() -> None:
    op.add_column('signing_key', sa.Column('alg', sa.String(), nullable=False, server_default='ES256'))
    op.add_column('signing_key', sa.Column('custody', sa.String(), nullable=False, server_default='sealed'))
    op.add_column('signing_key', sa.Column('signs_since', sa.BigInteger(), nullable=True))
    op.create_index(
        'signing_key_one_of_each', 'signing_key', ['alg', 'state'], unique=True,
        sqlite_where=ONE_OF_EACH, postgresql_where=ONE_OF_EACH,
    )


def downgrade() -> None:
    op.drop_index('signing_key_one_of_each', table_name='signing_key')
    with op.batch_alter_table('signing_key', schema=None) as batch_op:
        batch_op.drop_column('signs_since')
        batch_op.drop_column('custody')
        batch_op.drop_column('alg')
