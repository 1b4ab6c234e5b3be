"""face enrolments"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('face_enrolment',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('account_id', sa.String(), nullable=False),
    sa.Column('engine', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('made_at', sa.BigInteger(), nullable=False),
    sa.Column('changed_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('face_enrolment', schema=None) as batch_op:
        batch_op.create_index('face_enrolment_account', ['account_id', 'made_at'], unique=False)
        batch_op.create_index('face_enrolment_changed', ['changed_at', 'id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('face_enrolment', schema=None) as batch_op:
        batch_op.drop_index('face_enrolment_changed')
        batch_op.drop_index('face_enrolment_account')

    op.drop_table('face_enrolment')
