"""parties grants"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

TEXTS = {
    'relying_party': [('metadata', '{}')],
    'authorization_grant': [
        ('confirmation', ''), ('resources', '[]'), ('claims_request', ''),
    ],
}


def upgrade() -> None:
    for table, columns in TEXTS.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, default in columns:
                batch_op.add_column(sa.Column(name, sa.String(), nullable=False, server_default=default))
    with op.batch_alter_table('authorization_grant', schema=None) as batch_op:
        batch_op.add_column(sa.Column('rotated_at', sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('authorization_grant', schema=None) as batch_op:
        batch_op.drop_column('rotated_at')
    for table, columns in TEXTS.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, _ in columns:
                batch_op.drop_column(name)
