CREATE TABLE agreements (
    agreement TEXT NOT NULL,
    document BYTEA NOT NULL,
    proposed_at BIGINT NOT NULL,
    active_at BIGINT,
    PRIMARY KEY (agreement)
)

CREATE TABLE log_head (
    one SERIAL NOT NULL,
    size BIGINT NOT NULL,
    PRIMARY KEY (one),
    CONSTRAINT single_row CHECK (one = 1)
)

CREATE TABLE log_leaves (
    seq BIGSERIAL NOT NULL,
    leaf BYTEA,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    agreement TEXT,
    run TEXT,
    PRIMARY KEY (seq)
)

CREATE INDEX ix_log_leaves_agreement ON log_leaves (agreement)

CREATE INDEX ix_log_leaves_at ON log_leaves (at)

CREATE INDEX ix_log_leaves_run ON log_leaves (run)

CREATE TABLE marks (
    name TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (name)
)

CREATE TABLE parties (
    party TEXT NOT NULL,
    identity BYTEA NOT NULL,
    enrolled_at BIGINT NOT NULL,
    PRIMARY KEY (party)
)

CREATE TABLE agreement_members (
    agreement TEXT NOT NULL,
    party TEXT NOT NULL,
    signature BYTEA,
    PRIMARY KEY (agreement, party),
    FOREIGN KEY(agreement) REFERENCES agreements (agreement),
    FOREIGN KEY(party) REFERENCES parties (party)
)

CREATE TABLE nonces (
    party TEXT NOT NULL,
    nonce TEXT NOT NULL,
    forget_at BIGINT NOT NULL,
    PRIMARY KEY (party, nonce),
    FOREIGN KEY(party) REFERENCES parties (party)
)

CREATE INDEX ix_nonces_forget_at ON nonces (forget_at)

CREATE TABLE party_keys (
    party TEXT NOT NULL,
    key TEXT NOT NULL,
    public BYTEA NOT NULL,
    slot INTEGER,
    number INTEGER NOT NULL,
    added_at BIGINT NOT NULL,
    ended_at BIGINT,
    statement BYTEA,
    PRIMARY KEY (party, key),
    CONSTRAINT key_once UNIQUE (key),
    CONSTRAINT one_line_of_keys UNIQUE (party, number),
    CONSTRAINT two_active_keys UNIQUE (party, slot),
    CONSTRAINT key_places CHECK (slot IS NULL OR slot IN (0, 1)),
    CONSTRAINT key_ended CHECK ((slot IS NULL) = (ended_at IS NOT NULL)),
    FOREIGN KEY(party) REFERENCES parties (party)
)

CREATE TABLE runs (
    run TEXT NOT NULL,
    agreement TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    encodings_deadline BIGINT NOT NULL,
    delivered_at BIGINT,
    hits_deadline BIGINT,
    failure TEXT,
    passes_done INTEGER NOT NULL,
    passes_total INTEGER NOT NULL,
    worker_key BYTEA,
    received INTEGER NOT NULL,
    PRIMARY KEY (run),
    CONSTRAINT state_known CHECK (state IN ('opened', 'joining', 'sending', 'matching', 'held', 'delivered', 'closed', 'cancelled', 'expired', 'failed')),
    CONSTRAINT received_flag CHECK (received IN (0, 1)),
    CONSTRAINT encodings_cap CHECK (encodings_deadline > opened_at AND encodings_deadline - opened_at <= 259200),
    CONSTRAINT hits_cap CHECK ((delivered_at IS NULL) = (hits_deadline IS NULL) AND (delivered_at IS NULL OR (hits_deadline > delivered_at AND hits_deadline - delivered_at <= 2592000))),
    CONSTRAINT progress_bounds CHECK (passes_done >= 0 AND passes_done <= passes_total),
    CONSTRAINT one_shot CHECK (delivered_at IS NULL OR state NOT IN ('opened', 'joining', 'sending', 'matching')),
    FOREIGN KEY(agreement) REFERENCES agreements (agreement)
)

CREATE TABLE witnesses (
    party TEXT NOT NULL,
    size BIGINT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (party),
    FOREIGN KEY(party) REFERENCES parties (party)
)

CREATE TABLE acknowledgements (
    run TEXT NOT NULL,
    party TEXT NOT NULL,
    statement BYTEA NOT NULL,
    PRIMARY KEY (run, party),
    FOREIGN KEY(run) REFERENCES runs (run),
    FOREIGN KEY(party) REFERENCES parties (party)
)

CREATE TABLE approvals (
    run TEXT NOT NULL,
    party TEXT NOT NULL,
    statement BYTEA,
    PRIMARY KEY (run, party),
    FOREIGN KEY(run) REFERENCES runs (run),
    FOREIGN KEY(party) REFERENCES parties (party)
)

CREATE TABLE confirmations (
    run TEXT NOT NULL,
    comparison TEXT NOT NULL,
    party TEXT NOT NULL,
    statement BYTEA NOT NULL,
    PRIMARY KEY (run, comparison, party),
    FOREIGN KEY(run) REFERENCES runs (run),
    FOREIGN KEY(party) REFERENCES parties (party)
)

CREATE TABLE deliveries (
    run TEXT NOT NULL,
    comparison TEXT NOT NULL,
    pass TEXT NOT NULL,
    recipient TEXT NOT NULL,
    statement BYTEA NOT NULL,
    PRIMARY KEY (run, comparison, pass),
    FOREIGN KEY(run) REFERENCES runs (run),
    FOREIGN KEY(recipient) REFERENCES parties (party)
)

CREATE TABLE findings (
    run TEXT NOT NULL,
    comparison TEXT NOT NULL,
    pass TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (run, comparison, pass),
    FOREIGN KEY(run) REFERENCES runs (run)
)

CREATE TABLE histories (
    run TEXT NOT NULL,
    comparison TEXT NOT NULL,
    recipient_step INTEGER NOT NULL,
    source_step INTEGER NOT NULL,
    rate_step INTEGER NOT NULL,
    forget_at BIGINT NOT NULL,
    PRIMARY KEY (run, comparison),
    FOREIGN KEY(run) REFERENCES runs (run)
)

CREATE INDEX ix_histories_forget_at ON histories (forget_at)

CREATE TABLE holds (
    run TEXT NOT NULL,
    comparison TEXT NOT NULL,
    statement BYTEA NOT NULL,
    PRIMARY KEY (run, comparison),
    FOREIGN KEY(run) REFERENCES runs (run)
)

CREATE TABLE jobs (
    run TEXT NOT NULL,
    job TEXT NOT NULL,
    owner TEXT,
    lease_until BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    PRIMARY KEY (run),
    CONSTRAINT job_bounds CHECK (done >= 0 AND total >= 0 AND attempts >= 0 AND paused IN (0, 1)),
    FOREIGN KEY(run) REFERENCES runs (run)
)

CREATE TABLE openings (
    party TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    run TEXT NOT NULL,
    PRIMARY KEY (party, key),
    FOREIGN KEY(party) REFERENCES parties (party),
    FOREIGN KEY(run) REFERENCES runs (run)
)

CREATE TABLE pieces (
    run TEXT NOT NULL,
    comparison TEXT NOT NULL,
    pass TEXT NOT NULL,
    part TEXT NOT NULL,
    number INTEGER NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (run, comparison, pass, part, number),
    CONSTRAINT piece_bounds CHECK (number >= 0),
    FOREIGN KEY(run) REFERENCES runs (run)
)

CREATE TABLE purges (
    run TEXT NOT NULL,
    kind TEXT NOT NULL,
    party TEXT NOT NULL,
    cause TEXT NOT NULL,
    inventory BYTEA NOT NULL,
    PRIMARY KEY (run, kind, party),
    FOREIGN KEY(run) REFERENCES runs (run)
)

CREATE TABLE receipts (
    run TEXT NOT NULL,
    kind TEXT NOT NULL,
    party TEXT NOT NULL,
    statement BYTEA NOT NULL,
    leaf BIGINT NOT NULL,
    PRIMARY KEY (run, kind, party),
    FOREIGN KEY(run) REFERENCES runs (run),
    FOREIGN KEY(leaf) REFERENCES log_leaves (seq)
)

CREATE TABLE relays (
    run TEXT NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    number INTEGER NOT NULL,
    pieces INTEGER NOT NULL,
    digest TEXT NOT NULL,
    statement BYTEA NOT NULL,
    PRIMARY KEY (run, kind, sender, recipient, number),
    CONSTRAINT relay_bounds CHECK (number >= 0 AND number < pieces),
    FOREIGN KEY(run) REFERENCES runs (run),
    FOREIGN KEY(sender) REFERENCES parties (party),
    FOREIGN KEY(recipient) REFERENCES parties (party)
)

CREATE TABLE releases (
    run TEXT NOT NULL,
    party TEXT NOT NULL,
    statement BYTEA NOT NULL,
    PRIMARY KEY (run, party),
    FOREIGN KEY(run) REFERENCES runs (run),
    FOREIGN KEY(party) REFERENCES parties (party)
)

CREATE TABLE shares (
    run TEXT NOT NULL,
    comparison TEXT NOT NULL,
    sender TEXT NOT NULL,
    receiver TEXT NOT NULL,
    statement BYTEA NOT NULL,
    PRIMARY KEY (run, comparison, sender),
    FOREIGN KEY(run) REFERENCES runs (run),
    FOREIGN KEY(sender) REFERENCES parties (party),
    FOREIGN KEY(receiver) REFERENCES parties (party)
)

CREATE TABLE uploads (
    upload TEXT NOT NULL,
    run TEXT NOT NULL,
    comparison TEXT NOT NULL,
    pass TEXT NOT NULL,
    party TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    manifest BYTEA NOT NULL,
    PRIMARY KEY (upload),
    CONSTRAINT one_upload UNIQUE (run, comparison, pass, party),
    CONSTRAINT state_known CHECK (state IN ('receiving', 'complete', 'refused')),
    CONSTRAINT refused_with_reason CHECK ((state = 'refused') = (reason IS NOT NULL)),
    FOREIGN KEY(run) REFERENCES runs (run),
    FOREIGN KEY(party) REFERENCES parties (party)
)

CREATE TABLE chunks (
    upload TEXT NOT NULL,
    number INTEGER NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (upload, number),
    CONSTRAINT chunk_bounds CHECK (number >= 0 AND size > 0),
    FOREIGN KEY(upload) REFERENCES uploads (upload)
)

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE check_violation USING MESSAGE = TG_NAME;
END
$$

CREATE TRIGGER run_deadlines_stay BEFORE UPDATE ON runs FOR EACH ROW WHEN (OLD.opened_at <> NEW.opened_at OR OLD.encodings_deadline <> NEW.encodings_deadline OR (OLD.delivered_at IS NOT NULL AND (NEW.delivered_at IS NULL OR NEW.delivered_at <> OLD.delivered_at)) OR (OLD.hits_deadline IS NOT NULL AND (NEW.hits_deadline IS NULL OR NEW.hits_deadline <> OLD.hits_deadline))) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER run_names_stay BEFORE UPDATE ON runs FOR EACH ROW WHEN (OLD.run <> NEW.run OR OLD.agreement <> NEW.agreement) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER run_key_stays BEFORE UPDATE ON runs FOR EACH ROW WHEN ((OLD.worker_key IS NOT NULL AND (NEW.worker_key IS NULL OR NEW.worker_key <> OLD.worker_key))) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER run_ended BEFORE UPDATE ON runs FOR EACH ROW WHEN (OLD.state IN ('cancelled', 'closed', 'expired', 'failed') AND NEW.state <> OLD.state) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER run_received_stays BEFORE UPDATE ON runs FOR EACH ROW WHEN (OLD.received > NEW.received) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER run_remains BEFORE DELETE ON runs FOR EACH ROW EXECUTE FUNCTION refuse_change()

CREATE TRIGGER agreement_stays BEFORE UPDATE ON agreements FOR EACH ROW WHEN (OLD.agreement <> NEW.agreement OR OLD.document <> NEW.document OR OLD.proposed_at <> NEW.proposed_at OR (OLD.active_at IS NOT NULL AND (NEW.active_at IS NULL OR NEW.active_at <> OLD.active_at))) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER signature_stays BEFORE UPDATE ON agreement_members FOR EACH ROW WHEN (OLD.agreement <> NEW.agreement OR OLD.party <> NEW.party OR (OLD.signature IS NOT NULL AND (NEW.signature IS NULL OR NEW.signature <> OLD.signature))) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER chunk_stays BEFORE UPDATE ON chunks FOR EACH ROW WHEN (OLD.upload <> NEW.upload OR OLD.number <> NEW.number OR OLD.size <> NEW.size) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER delivery_stays BEFORE UPDATE ON deliveries FOR EACH ROW WHEN (OLD.run <> NEW.run OR OLD.recipient <> NEW.recipient OR OLD.statement <> NEW.statement) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER nonce_stays BEFORE UPDATE ON nonces FOR EACH ROW WHEN (OLD.party <> NEW.party OR OLD.nonce <> NEW.nonce OR OLD.forget_at <> NEW.forget_at) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER receipt_stays BEFORE UPDATE ON receipts FOR EACH ROW WHEN (OLD.run <> NEW.run OR OLD.kind <> NEW.kind OR OLD.party <> NEW.party OR OLD.statement <> NEW.statement) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER receipt_remains BEFORE DELETE ON receipts FOR EACH ROW EXECUTE FUNCTION refuse_change()

CREATE TRIGGER leaf_stays BEFORE UPDATE ON log_leaves FOR EACH ROW WHEN (OLD.seq <> NEW.seq OR OLD.hash <> NEW.hash) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER leaf_remains BEFORE DELETE ON log_leaves FOR EACH ROW EXECUTE FUNCTION refuse_change()

CREATE TRIGGER log_grows BEFORE UPDATE ON log_head FOR EACH ROW WHEN (NEW.size < OLD.size) EXECUTE FUNCTION refuse_change()

CREATE TRIGGER log_head_remains BEFORE DELETE ON log_head FOR EACH ROW EXECUTE FUNCTION refuse_change()
