-- The log of each tenant. `number` is the tenant's place in the store: entry number `index` of a tenant has the
-- place (number << 40) + index, which is the entry's rowid: appends go to the right edge of the tree, and a range of
-- indexes is a range of rows.
CREATE TABLE log (
    tenant  TEXT    NOT NULL PRIMARY KEY REFERENCES tenant (tenant),
    shard   INTEGER NOT NULL,
    number  INTEGER NOT NULL UNIQUE CHECK (number BETWEEN 0 AND 8388607),
    -- Entries that were ever given an index.
    size    INTEGER NOT NULL DEFAULT 0 CHECK (size BETWEEN 0 AND 1099511627776),
    -- Everything below was pruned, or is being.
    minimum INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

INSERT INTO log (tenant, shard, number, size)
SELECT tenant, shard, row_number() OVER (ORDER BY tenant) - 1,
       (SELECT count(*) FROM entry WHERE entry.tenant = tenant.tenant)
FROM tenant;

-- How many of a run's entries were pruned, from its first on.
ALTER TABLE run ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;

ALTER TABLE payload ADD COLUMN marks BLOB NOT NULL DEFAULT x'';
CREATE INDEX payload_run ON payload (tenant, run);

-- Entries that were there get their indexes run by run, in the order in which the runs started.
ALTER TABLE entry RENAME TO entry_before;
CREATE TABLE entry (
    place  INTEGER NOT NULL PRIMARY KEY,
    tenant TEXT    NOT NULL,
    shard  INTEGER NOT NULL,
    run    BLOB    NOT NULL,
    seq    INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    bytes  BLOB    NOT NULL,
    UNIQUE (tenant, run, seq),
    FOREIGN KEY (tenant, run) REFERENCES run (tenant, run)
) STRICT;

INSERT INTO entry (place, tenant, shard, run, seq, hash, bytes)
SELECT (log.number << 40)
         + row_number() OVER (PARTITION BY e.tenant ORDER BY run.started, e.run, e.seq) - 1,
       e.tenant, e.shard, e.run, e.seq, e.hash, e.bytes
FROM entry_before AS e
JOIN run ON run.tenant = e.tenant AND run.run = e.run
JOIN log ON log.tenant = e.tenant;
DROP TABLE entry_before;

-- A guard rail against our own mistakes; who holds the file can drop it, and is found by the hashes.
CREATE TRIGGER entry_is_not_changed BEFORE UPDATE ON entry
BEGIN
    SELECT RAISE(ABORT, 'an entry is never changed');
END;
CREATE TRIGGER entry_is_not_deleted BEFORE DELETE ON entry
WHEN (old.place & 1099511627775) >= coalesce((SELECT minimum FROM log WHERE tenant = old.tenant), 0)
BEGIN
    SELECT RAISE(ABORT, 'an entry is deleted below the minimum alone');
END;
CREATE TRIGGER log_only_grows BEFORE UPDATE ON log
WHEN new.size < old.size OR new.minimum < old.minimum OR new.number <> old.number
BEGIN
    SELECT RAISE(ABORT, 'a log only grows');
END;

-- Rowid tables: tiles and notes are large for an index tree.
CREATE TABLE tile (
    tenant TEXT    NOT NULL REFERENCES tenant (tenant),
    shard  INTEGER NOT NULL,
    level  INTEGER NOT NULL,
    idx    INTEGER NOT NULL,
    bytes  BLOB    NOT NULL,
    PRIMARY KEY (tenant, level, idx)
) STRICT;

CREATE TABLE checkpoint (
    tenant TEXT    NOT NULL REFERENCES tenant (tenant),
    shard  INTEGER NOT NULL,
    size   INTEGER NOT NULL,
    root   BLOB    NOT NULL,
    note   BLOB    NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (tenant, size)
) STRICT;
