package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// nameCacheLimit bounds the names kept in memory each way. Peers choose types
// and markings, so their number is not ours to bound.
const nameCacheLimit = 20_000

// names caches the table names. Only what is committed gets in.
type names struct {
	mu    sync.RWMutex
	ids   map[string]int64
	texts map[int64]string
}

func newNames() *names {
	return &names{ids: make(map[string]int64), texts: make(map[int64]string)}
}

func (c *names) id(text string) (int64, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	id, ok := c.ids[text]
	return id, ok
}

func (c *names) add(id int64, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ids) >= nameCacheLimit {
		clear(c.ids)
		clear(c.texts)
	}
	c.ids[text] = id
	c.texts[id] = text
}

// text returns the name with an id, asking the file when it is not cached.
func (c *names) text(ctx context.Context, db *sql.DB, id int64) (string, error) {
	if id == 0 {
		return "", nil
	}
	c.mu.RLock()
	text, ok := c.texts[id]
	c.mu.RUnlock()
	if ok {
		return text, nil
	}
	if err := db.QueryRowContext(ctx, "SELECT text FROM names WHERE id = ?", id).Scan(&text); err != nil {
		return "", err
	}
	c.add(id, text)
	return text, nil
}

// name returns the id of a text, adding it to the file when it is new. The
// empty text is 0.
func (b *batch) name(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if id, ok := b.names[text]; ok {
		return id, nil
	}
	if id, ok := b.s.names.id(text); ok {
		return id, nil
	}
	var id int64
	err := b.queryRow("SELECT id FROM names WHERE text = ?", text).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		var res sql.Result
		if res, err = b.exec("INSERT INTO names (text) VALUES (?)", text); err == nil {
			id, err = res.LastInsertId()
		}
	}
	if err != nil {
		return 0, err
	}
	b.names[text] = id
	return id, nil
}
