-- Every table carries its tenant and shard = first byte of SHA-256(tenant), so that tenants can be moved
-- apart later. `entry` and `payload` are never updated; the code has no statement that would.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant (
    tenant         TEXT    NOT NULL PRIMARY KEY,
    shard          INTEGER NOT NULL,
    -- Counts every write of a record, so that a record deleted and made again never repeats a version.
    record_version INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The projection of a run's entries, with the head and the fencing epoch that guard its appends.
CREATE TABLE run (
    tenant    TEXT    NOT NULL REFERENCES tenant (tenant),
    shard     INTEGER NOT NULL,
    run       BLOB    NOT NULL,
    head_seq  INTEGER NOT NULL,
    head_hash BLOB    NOT NULL,
    epoch     INTEGER NOT NULL,
    workflow  TEXT    NOT NULL,
    bundle    BLOB    NOT NULL,
    state     INTEGER NOT NULL,
    outcome   TEXT,
    wake_at   INTEGER,
    started   INTEGER NOT NULL,
    updated   INTEGER NOT NULL,
    requester BLOB    NOT NULL,
    parent    BLOB,
    PRIMARY KEY (tenant, run)
) STRICT, WITHOUT ROWID;

-- State 0 is active, 1 is waiting, 2 is ended.
CREATE INDEX run_active ON run (tenant, updated, run) WHERE state = 0;
CREATE INDEX run_due ON run (tenant, wake_at, run) WHERE state = 1 AND wake_at IS NOT NULL;

CREATE TABLE entry (
    tenant TEXT    NOT NULL,
    shard  INTEGER NOT NULL,
    run    BLOB    NOT NULL,
    seq    INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    bytes  BLOB    NOT NULL,
    PRIMARY KEY (tenant, run, seq),
    FOREIGN KEY (tenant, run) REFERENCES run (tenant, run)
) STRICT, WITHOUT ROWID;

-- A rowid table: ciphertexts are large and are read one at a time.
CREATE TABLE payload (
    tenant     TEXT    NOT NULL,
    shard      INTEGER NOT NULL,
    id         BLOB    NOT NULL,
    run        BLOB    NOT NULL,
    class      TEXT    NOT NULL,
    header     BLOB    NOT NULL,
    ciphertext BLOB    NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, run) REFERENCES run (tenant, run)
) STRICT;

CREATE TABLE wait (
    tenant TEXT    NOT NULL,
    shard  INTEGER NOT NULL,
    id     TEXT    NOT NULL,
    run    BLOB    NOT NULL,
    kind   INTEGER NOT NULL,
    detail TEXT    NOT NULL,
    since  INTEGER NOT NULL,
    due    INTEGER,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, run) REFERENCES run (tenant, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX wait_run ON wait (tenant, run);
CREATE INDEX wait_since ON wait (tenant, since, id);

CREATE TABLE request (
    tenant TEXT    NOT NULL,
    shard  INTEGER NOT NULL,
    key    TEXT    NOT NULL,
    digest BLOB    NOT NULL,
    run    BLOB    NOT NULL,
    PRIMARY KEY (tenant, key),
    FOREIGN KEY (tenant, run) REFERENCES run (tenant, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE record (
    tenant  TEXT    NOT NULL REFERENCES tenant (tenant),
    shard   INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    version INTEGER NOT NULL,
    bytes   BLOB    NOT NULL,
    PRIMARY KEY (tenant, kind, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE rejection (
    tenant  TEXT    NOT NULL REFERENCES tenant (tenant),
    shard   INTEGER NOT NULL,
    source  TEXT    NOT NULL,
    address TEXT    NOT NULL,
    fault   TEXT    NOT NULL,
    count   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    PRIMARY KEY (tenant, source, address, fault)
) STRICT, WITHOUT ROWID;
