package store

// schemaVersion is kept in the file's user_version. A file with another one is
// deleted and built anew, so change it with every change of the tables below
// or of what their columns mean.
const schemaVersion = 3

// applicationID marks the file as ours ("Ente"), so that a database of
// something else at the same path is not taken for a damaged index of ours.
const applicationID = 0x456e7465

// schema has no index over digests or ids: rows are only ever appended, which
// in a B-tree is many times cheaper than writing at random places, and where a
// digest or an id is found is kept in memory, loaded from key_blocks. Names
// that repeat (issuers, peers, types, markings, rules) stand once in names, and
// every column that refers to them is called by what it names. Times are
// microseconds since 1970, 0 for none.
const schema = `
CREATE TABLE meta (
	one       INTEGER PRIMARY KEY CHECK (one = 1),
	log       TEXT NOT NULL,    -- incarnation of the log this indexes
	journal   TEXT NOT NULL,
	applied   INTEGER NOT NULL, -- positions: in the same transaction as the rows
	journaled INTEGER NOT NULL,
	rules     TEXT NOT NULL,    -- the rules of retention by which due was filled
	redone    INTEGER NOT NULL, -- log sequence up to which it was filled anew for them
	redo_to   INTEGER NOT NULL  -- and up to which it has to be
) STRICT;

CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE entries (        -- log entries of which something was taken
	seq    INTEGER PRIMARY KEY,
	source INTEGER NOT NULL,
	at     INTEGER NOT NULL,
	jti    TEXT NOT NULL
) STRICT;

CREATE TABLE resends (        -- log entries that stand for an earlier one
	refer INTEGER NOT NULL,
	seq   INTEGER NOT NULL,
	PRIMARY KEY (refer, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE objects (        -- what was taken, in log order
	n       INTEGER PRIMARY KEY,
	issuer  INTEGER NOT NULL,
	id      TEXT NOT NULL,
	version TEXT NOT NULL,
	digest  BLOB NOT NULL,
	prev    INTEGER NOT NULL,   -- the next row to look at for this id, 0 at the end
	seq     INTEGER NOT NULL,
	type    INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	revoked INTEGER NOT NULL,
	marking INTEGER NOT NULL,
	verdict INTEGER NOT NULL,
	shown   BLOB NOT NULL,      -- 16 bytes, parts and whole: what the message in seq shows of it
	parts   INTEGER NOT NULL,
	whole   INTEGER NOT NULL,
	best    INTEGER NOT NULL    -- of seq and the sequences in routes: the one that shows most
) STRICT;

CREATE TABLE routes (         -- the same object by other messages, each showing what none before did
	object INTEGER NOT NULL,
	seq    INTEGER NOT NULL,
	shown  BLOB NOT NULL,
	parts  INTEGER NOT NULL,
	whole  INTEGER NOT NULL,
	PRIMARY KEY (object, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_blocks (     -- what memory needs of objects, see keyRecord
	n      INTEGER PRIMARY KEY, -- of the first object
	crc    INTEGER NOT NULL,
	keys   BLOB NOT NULL
) STRICT;

CREATE TABLE gone (           -- withdrawals, of known and unknown objects
	n      INTEGER PRIMARY KEY,
	issuer INTEGER NOT NULL,
	digest BLOB NOT NULL,
	reason TEXT NOT NULL,
	seq    INTEGER NOT NULL,    -- the entry that says so
	by     INTEGER NOT NULL,    -- who signed it
	at     INTEGER NOT NULL
) STRICT;
CREATE INDEX gone_seq ON gone (seq);

CREATE TABLE proofs (         -- equivocations proved by two signatures, which the log entry holds
	seq     INTEGER PRIMARY KEY,
	at      INTEGER NOT NULL,
	issuer  INTEGER NOT NULL,
	signer  INTEGER NOT NULL,
	id      TEXT NOT NULL,
	version TEXT NOT NULL,
	held    BLOB NOT NULL,      -- digests
	refused BLOB NOT NULL,
	UNIQUE (issuer, held, refused)
) STRICT;

CREATE TABLE derived (        -- what was made of others' objects
	n      INTEGER PRIMARY KEY, -- row of objects
	issuer INTEGER NOT NULL,    -- of the original
	digest BLOB NOT NULL,
	less   INTEGER NOT NULL     -- 1: it says less in its place
) STRICT;

CREATE TABLE held (           -- what waits: at the way in (peer 0), or for a peer
	peer   INTEGER NOT NULL,
	ref    INTEGER NOT NULL,    -- way in: log sequence; for a peer: frame
	n      INTEGER NOT NULL,
	seq    INTEGER NOT NULL,
	source INTEGER NOT NULL,
	issuer INTEGER NOT NULL,
	digest BLOB NOT NULL,
	id     TEXT NOT NULL,
	reason INTEGER NOT NULL,
	rule   INTEGER NOT NULL,
	basis  INTEGER NOT NULL,
	since  INTEGER NOT NULL,
	PRIMARY KEY (peer, ref, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_seq ON held (seq, peer);
CREATE INDEX held_id ON held (id, peer);
CREATE INDEX held_digest ON held (digest);

CREATE TABLE due (            -- until when places of the log may hold what they hold
	at  INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	n   INTEGER NOT NULL,       -- item of the entry
	PRIMARY KEY (at, seq, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX due_seq ON due (seq, n);

CREATE TABLE erased (         -- objects of which nothing but the digest is left
	n      INTEGER PRIMARY KEY, -- row of objects
	reason TEXT NOT NULL
) STRICT;

CREATE TABLE refused (        -- what was refused, by its mark
	mark BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE pulls (          -- the last entry from each source
	source INTEGER PRIMARY KEY,
	seq    INTEGER NOT NULL,
	link   INTEGER NOT NULL,
	cursor BLOB NOT NULL,
	at     INTEGER NOT NULL
) STRICT;

CREATE TABLE frames (         -- what was judged for a peer in one go
	id       INTEGER PRIMARY KEY, -- journal sequence
	peer     INTEGER NOT NULL,
	root     TEXT NOT NULL,
	log_from INTEGER NOT NULL,
	log_to   INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	withheld TEXT NOT NULL,       -- JSON: reason to count
	messages INTEGER NOT NULL,
	acked    INTEGER NOT NULL,    -- messages
	state    INTEGER NOT NULL     -- see frameOpen
) STRICT;
CREATE INDEX frames_open ON frames (peer, log_to) WHERE state = 0;

CREATE TABLE variants (       -- which objects of a log entry went, stored once for all peers
	id      INTEGER PRIMARY KEY,
	seq     INTEGER NOT NULL,
	objects BLOB NOT NULL       -- 33 bytes each: digest, verdict
) STRICT;
CREATE INDEX variants_seq ON variants (seq);

CREATE TABLE deliveries (     -- one message in one frame
	peer      INTEGER NOT NULL,
	link      INTEGER NOT NULL,
	frame     INTEGER NOT NULL,
	variant   INTEGER NOT NULL,
	objects   INTEGER NOT NULL,
	redacted  INTEGER NOT NULL,
	gone      INTEGER NOT NULL, -- digests that it takes back
	state     INTEGER NOT NULL, -- see inFlight
	acked     INTEGER NOT NULL,
	stored    INTEGER NOT NULL,
	duplicate INTEGER NOT NULL,
	held      INTEGER NOT NULL,
	refused   INTEGER NOT NULL,
	reason    INTEGER NOT NULL,
	PRIMARY KEY (peer, link, frame)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_variant ON deliveries (variant);
CREATE INDEX deliveries_open ON deliveries (frame) WHERE state = 0;

CREATE TABLE mention_tail (   -- which journal records name what: see mentionSize
	n        INTEGER PRIMARY KEY,
	mentions BLOB NOT NULL
) STRICT;

CREATE TABLE mention_chunks ( -- the same, sorted
	n        INTEGER PRIMARY KEY,
	mentions BLOB NOT NULL
) STRICT;

CREATE TABLE mention_runs (
	first  INTEGER PRIMARY KEY, -- chunk; the others follow
	firsts BLOB NOT NULL,       -- first key of each, 8 bytes
	filter BLOB NOT NULL        -- of the keys in it
) STRICT;

CREATE TABLE lanes (          -- how far the frames for each peer reach
	peer  INTEGER PRIMARY KEY,
	seq   INTEGER NOT NULL,
	link  INTEGER NOT NULL,
	acked INTEGER NOT NULL
) STRICT;

CREATE TABLE counters (
	side   INTEGER NOT NULL,
	who    INTEGER NOT NULL,
	what   INTEGER NOT NULL,
	reason TEXT NOT NULL,
	n      INTEGER NOT NULL,
	PRIMARY KEY (side, who, what, reason)
) STRICT, WITHOUT ROWID;
`
