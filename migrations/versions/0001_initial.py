"""The first tables: people, quizzes and their versions, attempts, boards.

Revision: 0001, the first.

Read it from top to bottom: each section is one subject, in the order in which the tables
refer to each other. What a column means stands in respondeo/models/.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What a downgrade takes away for good.
loses = "Everything: people, quizzes, attempts and boards."

PEOPLE = """
CREATE TABLE "user" (
    id uuid CONSTRAINT pk_user PRIMARY KEY,
    name text NOT NULL,
    display_name text,
    email text NOT NULL,
    email_verified boolean NOT NULL DEFAULT false,
    image text,
    groups text[] NOT NULL DEFAULT '{}',
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_user_email UNIQUE (email),
    CONSTRAINT ck_user_email_lower_case CHECK (email = lower(email))
);

CREATE TABLE account (
    id uuid CONSTRAINT pk_account PRIMARY KEY,
    user_id uuid NOT NULL
        CONSTRAINT fk_account_user_id REFERENCES "user" ON DELETE CASCADE,
    provider_id text NOT NULL,
    account_id text NOT NULL,
    password_hash text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_account_provider_id_account_id UNIQUE (provider_id, account_id)
);
CREATE INDEX ix_account_user_id ON account (user_id);

CREATE TABLE session (
    id uuid CONSTRAINT pk_session PRIMARY KEY,
    user_id uuid NOT NULL
        CONSTRAINT fk_session_user_id REFERENCES "user" ON DELETE CASCADE,
    token_hash bytea NOT NULL,
    ip_address text,
    user_agent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT uq_session_token_hash UNIQUE (token_hash)
);
CREATE INDEX ix_session_user_id ON session (user_id);
CREATE INDEX ix_session_expires_at ON session (expires_at);

CREATE TABLE apikey (
    id uuid CONSTRAINT pk_apikey PRIMARY KEY,
    user_id uuid NOT NULL
        CONSTRAINT fk_apikey_user_id REFERENCES "user" ON DELETE CASCADE,
    name text NOT NULL,
    start text NOT NULL,
    key_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    requests_per_minute integer NOT NULL DEFAULT 100,
    expires_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_apikey_key_hash UNIQUE (key_hash)
);
CREATE INDEX ix_apikey_user_id ON apikey (user_id);
"""

QUIZZES = """
CREATE TABLE quiz (
    id uuid CONSTRAINT pk_quiz PRIMARY KEY,
    author_id uuid
        CONSTRAINT fk_quiz_author_id REFERENCES "user" ON DELETE SET NULL,
    current_version_id uuid, -- refers to quiz_version, below
    published_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_quiz_author_id ON quiz (author_id);
CREATE INDEX ix_quiz_published_at ON quiz (published_at);

CREATE TABLE quiz_draft (
    quiz_id uuid CONSTRAINT pk_quiz_draft PRIMARY KEY
        CONSTRAINT fk_quiz_draft_quiz_id REFERENCES quiz ON DELETE CASCADE,
    document jsonb NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    updated_by uuid
        CONSTRAINT fk_quiz_draft_updated_by REFERENCES "user" ON DELETE SET NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_quiz_draft_updated_by ON quiz_draft (updated_by);

CREATE TABLE quiz_board (
    quiz_id uuid CONSTRAINT pk_quiz_board PRIMARY KEY
        CONSTRAINT fk_quiz_board_quiz_id REFERENCES quiz ON DELETE CASCADE,
    revision bigint NOT NULL DEFAULT 0,
    plays integer NOT NULL DEFAULT 0,
    players integer NOT NULL DEFAULT 0
);
CREATE INDEX ix_quiz_board_plays ON quiz_board (plays);
"""

VERSIONS = """
CREATE TABLE quiz_version (
    id uuid CONSTRAINT pk_quiz_version PRIMARY KEY,
    quiz_id uuid NOT NULL
        CONSTRAINT fk_quiz_version_quiz_id REFERENCES quiz ON DELETE CASCADE,
    number integer NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    hero_image_url text,
    language text NOT NULL CONSTRAINT ck_quiz_version_language CHECK (language IN
        ('en', 'es', 'fr', 'de', 'sv', 'pt', 'it', 'nl', 'pl', 'ja', 'zh', 'ko')),
    difficulty text NOT NULL CONSTRAINT ck_quiz_version_difficulty CHECK
        (difficulty IN ('easy', 'medium', 'hard')),
    max_attempts integer CONSTRAINT ck_quiz_version_max_attempts CHECK (max_attempts >= 1),
    time_limit_seconds integer NOT NULL
        CONSTRAINT ck_quiz_version_time_limit_seconds CHECK (time_limit_seconds >= 0),
    randomize_questions boolean NOT NULL,
    randomize_answers boolean NOT NULL,
    feedback text NOT NULL
        CONSTRAINT ck_quiz_version_feedback CHECK (feedback IN ('each', 'end')),
    reveal text NOT NULL
        CONSTRAINT ck_quiz_version_reveal CHECK (reveal IN ('safe', 'always')),
    question_count integer NOT NULL
        CONSTRAINT ck_quiz_version_question_count CHECK (question_count >= 1),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_quiz_version_quiz_id_number UNIQUE (quiz_id, number)
);

ALTER TABLE quiz ADD CONSTRAINT fk_quiz_current_version_id
    FOREIGN KEY (current_version_id) REFERENCES quiz_version;
CREATE INDEX ix_quiz_current_version_id ON quiz (current_version_id);

CREATE TABLE question (
    id uuid CONSTRAINT pk_question PRIMARY KEY,
    quiz_id uuid NOT NULL
        CONSTRAINT fk_question_quiz_id REFERENCES quiz ON DELETE CASCADE,
    uid uuid NOT NULL,
    kind text NOT NULL CONSTRAINT ck_question_kind CHECK (kind IN ('choice')),
    text text NOT NULL,
    image_url text,
    explanation text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_question_quiz_id ON question (quiz_id);

CREATE TABLE answer (
    id uuid CONSTRAINT pk_answer PRIMARY KEY,
    question_id uuid NOT NULL
        CONSTRAINT fk_answer_question_id REFERENCES question ON DELETE CASCADE,
    uid uuid NOT NULL,
    position smallint NOT NULL,
    text text NOT NULL,
    is_correct boolean NOT NULL,
    CONSTRAINT uq_answer_question_id_position UNIQUE (question_id, position),
    CONSTRAINT uq_answer_question_id_id UNIQUE (question_id, id)
);

CREATE TABLE quiz_version_question (
    quiz_version_id uuid NOT NULL CONSTRAINT fk_quiz_version_question_quiz_version_id
        REFERENCES quiz_version ON DELETE CASCADE,
    position smallint NOT NULL,
    question_id uuid NOT NULL CONSTRAINT fk_quiz_version_question_question_id
        REFERENCES question ON DELETE CASCADE,
    CONSTRAINT pk_quiz_version_question PRIMARY KEY (quiz_version_id, position),
    CONSTRAINT uq_quiz_version_question_quiz_version_id_question_id
        UNIQUE (quiz_version_id, question_id)
);
CREATE INDEX ix_quiz_version_question_question_id ON quiz_version_question (question_id);
"""

# What was published is never rewritten: attempts are played, graded and reviewed on it, and
# processes cache it without ever asking again. A row may go only when the row it hangs on has
# gone first, which happens in one way only: the quiz itself was deleted.
IMMUTABILITY = """
CREATE FUNCTION refuse_change_of_published() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner_is_gone boolean := false;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF TG_TABLE_NAME IN ('quiz_version', 'question') THEN
            owner_is_gone := NOT EXISTS (SELECT FROM quiz WHERE id = OLD.quiz_id);
        ELSIF TG_TABLE_NAME = 'answer' THEN
            owner_is_gone := NOT EXISTS (SELECT FROM question WHERE id = OLD.question_id);
        ELSE
            owner_is_gone := NOT EXISTS (SELECT FROM quiz_version WHERE id = OLD.quiz_version_id)
                OR NOT EXISTS (SELECT FROM question WHERE id = OLD.question_id);
        END IF;
        IF owner_is_gone THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '% on % refused: published versions never change', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'Publish a new version instead.';
END
$$;

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON quiz_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON question
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON answer
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON quiz_version_question
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published();
"""

ATTEMPTS = """
CREATE TABLE quiz_attempt (
    id uuid CONSTRAINT pk_quiz_attempt PRIMARY KEY,
    quiz_id uuid NOT NULL
        CONSTRAINT fk_quiz_attempt_quiz_id REFERENCES quiz ON DELETE CASCADE,
    quiz_version_id uuid NOT NULL
        CONSTRAINT fk_quiz_attempt_quiz_version_id REFERENCES quiz_version ON DELETE CASCADE,
    user_id uuid
        CONSTRAINT fk_quiz_attempt_user_id REFERENCES "user" ON DELETE CASCADE,
    guest_token bytea,
    number integer NOT NULL CONSTRAINT ck_quiz_attempt_number CHECK (number >= 1),
    time_limit_ms integer,
    feedback text NOT NULL
        CONSTRAINT ck_quiz_attempt_feedback CHECK (feedback IN ('each', 'end')),
    ranked boolean NOT NULL,
    discloses boolean NOT NULL,
    started_at timestamptz NOT NULL,
    shown_at timestamptz,
    feedback_at timestamptz,
    spent_ms bigint NOT NULL DEFAULT 0,
    deadline_at timestamptz,
    completed_at timestamptz,
    timed_out boolean NOT NULL DEFAULT false,
    correct_count integer NOT NULL DEFAULT 0,
    total_questions integer NOT NULL,
    total_time_ms bigint,
    CONSTRAINT uq_quiz_attempt_quiz_id_user_id_number UNIQUE (quiz_id, user_id, number),
    CONSTRAINT ck_quiz_attempt_one_player CHECK ((user_id IS NULL) <> (guest_token IS NULL)),
    CONSTRAINT ck_quiz_attempt_guests_never_rank CHECK (user_id IS NOT NULL OR NOT ranked),
    CONSTRAINT ck_quiz_attempt_open_or_over CHECK (
        CASE WHEN completed_at IS NULL
        THEN deadline_at IS NOT NULL AND total_time_ms IS NULL
            AND (shown_at IS NULL) <> (feedback_at IS NULL)
        ELSE deadline_at IS NULL AND total_time_ms IS NOT NULL
            AND shown_at IS NULL AND feedback_at IS NULL
        END),
    CONSTRAINT ck_quiz_attempt_spent_ms CHECK (spent_ms >= 0 AND spent_ms <= time_limit_ms),
    CONSTRAINT ck_quiz_attempt_total_time_ms
        CHECK (total_time_ms >= 0 AND total_time_ms <= time_limit_ms),
    CONSTRAINT ck_quiz_attempt_correct_count
        CHECK (correct_count >= 0 AND correct_count <= total_questions)
);
CREATE INDEX ix_quiz_attempt_user_id_quiz_id ON quiz_attempt (user_id, quiz_id);
CREATE INDEX ix_quiz_attempt_quiz_version_id ON quiz_attempt (quiz_version_id);

-- One open attempt per player and quiz, whatever runs in parallel.
CREATE UNIQUE INDEX uq_quiz_attempt_open ON quiz_attempt (quiz_id, user_id)
    WHERE completed_at IS NULL AND user_id IS NOT NULL;
CREATE UNIQUE INDEX uq_quiz_attempt_open_guest ON quiz_attempt (quiz_id, guest_token)
    WHERE completed_at IS NULL AND guest_token IS NOT NULL;

-- A guest's attempts are numbered as everybody's are, and found by their token.
CREATE UNIQUE INDEX uq_quiz_attempt_guest_number ON quiz_attempt (quiz_id, guest_token, number)
    WHERE guest_token IS NOT NULL;

-- Whoever reads a board completes what is overdue: one quiz's, or the oldest of all.
CREATE INDEX ix_quiz_attempt_open_quiz_id_deadline_at ON quiz_attempt (quiz_id, deadline_at)
    WHERE completed_at IS NULL;
CREATE INDEX ix_quiz_attempt_open_deadline_at ON quiz_attempt (deadline_at)
    WHERE completed_at IS NULL;

-- Guests' attempts go after a day.
CREATE INDEX ix_quiz_attempt_guest_started_at ON quiz_attempt (started_at)
    WHERE user_id IS NULL;

CREATE TABLE attempt_answer (
    attempt_id uuid NOT NULL
        CONSTRAINT fk_attempt_answer_attempt_id REFERENCES quiz_attempt ON DELETE CASCADE,
    question_id uuid NOT NULL
        CONSTRAINT fk_attempt_answer_question_id REFERENCES question ON DELETE CASCADE,
    display_order smallint NOT NULL,
    answer_order smallint[] NOT NULL,
    shown_at timestamptz,
    answer_id uuid,
    is_correct boolean,
    answered_at timestamptz,
    time_ms bigint CONSTRAINT ck_attempt_answer_time_ms CHECK (time_ms >= 0),
    CONSTRAINT pk_attempt_answer PRIMARY KEY (attempt_id, question_id),
    -- The answer is one of this question's.
    CONSTRAINT fk_attempt_answer_question_id_answer_id
        FOREIGN KEY (question_id, answer_id) REFERENCES answer (question_id, id)
        ON DELETE CASCADE,
    CONSTRAINT ck_attempt_answer_answered_whole CHECK (
        (answered_at IS NULL) = (answer_id IS NULL)
        AND (answered_at IS NULL) = (is_correct IS NULL)
        AND (answered_at IS NULL) = (time_ms IS NULL))
);
CREATE INDEX ix_attempt_answer_question_id_answer_id ON attempt_answer (question_id, answer_id);
"""

BOARDS = """
CREATE TABLE quiz_standing (
    quiz_id uuid NOT NULL
        CONSTRAINT fk_quiz_standing_quiz_id REFERENCES quiz ON DELETE CASCADE,
    user_id uuid NOT NULL
        CONSTRAINT fk_quiz_standing_user_id REFERENCES "user" ON DELETE CASCADE,
    attempt_id uuid NOT NULL
        CONSTRAINT fk_quiz_standing_attempt_id REFERENCES quiz_attempt ON DELETE CASCADE,
    correct_count integer NOT NULL,
    total_time_ms bigint NOT NULL,
    completed_at timestamptz NOT NULL,
    CONSTRAINT pk_quiz_standing PRIMARY KEY (quiz_id, user_id)
);
CREATE INDEX ix_quiz_standing_board ON quiz_standing
    (quiz_id, correct_count DESC, total_time_ms, completed_at, user_id);
CREATE INDEX ix_quiz_standing_user_id ON quiz_standing (user_id);
CREATE INDEX ix_quiz_standing_attempt_id ON quiz_standing (attempt_id);

CREATE TABLE player_standing (
    user_id uuid CONSTRAINT pk_player_standing PRIMARY KEY
        CONSTRAINT fk_player_standing_user_id REFERENCES "user" ON DELETE CASCADE,
    total_correct integer NOT NULL,
    total_time_ms bigint NOT NULL,
    quizzes_played integer NOT NULL
);
CREATE INDEX ix_player_standing_board ON player_standing
    (total_correct DESC, total_time_ms, user_id);
"""

AROUND = """
CREATE TABLE media (
    id uuid CONSTRAINT pk_media PRIMARY KEY,
    sha256 bytea NOT NULL,
    content_type text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    data bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_media_sha256 UNIQUE (sha256),
    CONSTRAINT ck_media_size CHECK (width > 0 AND height > 0)
);

CREATE UNLOGGED TABLE rate_limit (
    key text CONSTRAINT pk_rate_limit PRIMARY KEY,
    hits integer NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_rate_limit_expires_at ON rate_limit (expires_at);
"""


def upgrade() -> None:
    for section in (PEOPLE, QUIZZES, VERSIONS, IMMUTABILITY, ATTEMPTS, BOARDS, AROUND):
        op.execute(section)


def downgrade() -> None:
    op.execute("ALTER TABLE quiz DROP CONSTRAINT fk_quiz_current_version_id")
    op.execute(
        """
        DROP TABLE rate_limit, media, player_standing, quiz_standing, attempt_answer, quiz_attempt,
            quiz_version_question, answer, question, quiz_version, quiz_board, quiz_draft, quiz,
            apikey, session, account, "user"
        """
    )
    op.execute("DROP FUNCTION refuse_change_of_published()")
