-- The search index: made from the log, and made again from it at any time. `place` is that of the entry.
-- Rows at or above `log.indexed` are left-overs of an index that is being cleared, and are not looked at.
ALTER TABLE log ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;

CREATE TABLE entry_index (
    place  INTEGER NOT NULL PRIMARY KEY,
    tenant TEXT    NOT NULL REFERENCES tenant (tenant),
    shard  INTEGER NOT NULL,
    run    BLOB    NOT NULL,
    seq    INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    event  TEXT    NOT NULL
) STRICT;

-- Each of these ends in the rowid, which is the place: what it finds comes in the log's order.
CREATE INDEX entry_index_run ON entry_index (tenant, run);
CREATE INDEX entry_index_event ON entry_index (tenant, event);
CREATE INDEX entry_index_time ON entry_index (tenant, time);

CREATE TABLE term (
    tenant TEXT    NOT NULL,
    shard  INTEGER NOT NULL,
    kind   INTEGER NOT NULL,
    value  TEXT    NOT NULL,
    place  INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, value, place)
) STRICT, WITHOUT ROWID;

-- What is pruned or cleared is found by its place.
CREATE INDEX term_place ON term (place);
