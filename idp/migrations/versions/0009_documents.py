"""documents"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('document',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('account_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('issuer', sa.String(), nullable=False),
    sa.Column('number_index', sa.LargeBinary(), nullable=False),
    sa.Column('live_index', sa.LargeBinary(), nullable=True),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('level', sa.String(), nullable=False),
    sa.Column('proved_by', sa.String(), nullable=False),
    sa.Column('added_at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('replaced_at', sa.BigInteger(), nullable=True),
    sa.Column('next_notice_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('live_index')
    )
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.create_index('document_account', ['account_id', 'added_at'], unique=False)
        batch_op.create_index('document_notice', ['next_notice_at'], unique=False)
        batch_op.create_index('document_number', ['number_index'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.drop_index('document_number')
        batch_op.drop_index('document_notice')
        batch_op.drop_index('document_account')

    op.drop_table('document')
