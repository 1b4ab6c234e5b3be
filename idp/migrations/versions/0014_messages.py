"""messages"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('notice',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('account_id', sa.String(), nullable=False),
    sa.Column('notice', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('made_at', sa.BigInteger(), nullable=False),
    sa.Column('seen_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.create_index('notice_account', ['account_id', 'made_at'], unique=False)
        batch_op.create_index('notice_made', ['made_at'], unique=False)

    op.create_table('outbox_message',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('account_id', sa.String(), nullable=False),
    sa.Column('notice', sa.String(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('provider', sa.String(), nullable=False),
    sa.Column('reference', sa.String(), nullable=False),
    sa.Column('answer', sa.String(), nullable=False),
    sa.Column('attempts', sa.BigInteger(), nullable=False),
    sa.Column('made_at', sa.BigInteger(), nullable=False),
    sa.Column('next_attempt_at', sa.BigInteger(), nullable=False),
    sa.Column('closed_at', sa.BigInteger(), nullable=True),
    sa.Column('lease', sa.String(), nullable=False),
    sa.Column('lease_until', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('outbox_message', schema=None) as batch_op:
        batch_op.create_index('outbox_message_account', ['account_id', 'made_at'], unique=False)
        batch_op.create_index('outbox_message_made', ['made_at'], unique=False)
        batch_op.create_index('outbox_message_next', ['state', 'next_attempt_at'], unique=False)

    op.create_table('sent_message',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('owner_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('provider', sa.String(), nullable=False),
    sa.Column('reference', sa.String(), nullable=False),
    sa.Column('prefix', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('sent_at', sa.BigInteger(), nullable=False),
    sa.Column('changed_at', sa.BigInteger(), nullable=False),
    sa.Column('used_at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('sent_message', schema=None) as batch_op:
        batch_op.create_index('sent_message_at', ['sent_at'], unique=False)
        batch_op.create_index('sent_message_owner', ['owner_id', 'sent_at'], unique=False)
        batch_op.create_index('sent_message_reference', ['provider', 'reference'], unique=False)

    op.create_table('message_spending',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('spent', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('message_spending', schema=None) as batch_op:
        batch_op.create_index('message_spending_expires', ['expires_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('message_spending', schema=None) as batch_op:
        batch_op.drop_index('message_spending_expires')

    op.drop_table('message_spending')
    with op.batch_alter_table('sent_message', schema=None) as batch_op:
        batch_op.drop_index('sent_message_reference')
        batch_op.drop_index('sent_message_owner')
        batch_op.drop_index('sent_message_at')

    op.drop_table('sent_message')
    with op.batch_alter_table('outbox_message', schema=None) as batch_op:
        batch_op.drop_index('outbox_message_next')
        batch_op.drop_index('outbox_message_made')
        batch_op.drop_index('outbox_message_account')

    op.drop_table('outbox_message')
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.drop_index('notice_made')
        batch_op.drop_index('notice_account')

    op.drop_table('notice')
