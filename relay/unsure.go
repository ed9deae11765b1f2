package relay

import (
	"context"
	"fmt"
)

// catchUp tells of the entries of the log, up to one, that nobody was told of:
// those of a commit whose answer was lost and whose fate the log would not
// say, or that was stored after it was given up. Until they are known, the
// same object sent again would count as new, and stand in the log twice.
func (c *committer) catchUp(ctx context.Context, upTo uint64) error {
	for c.end < upTo {
		got, err := c.log.Read(ctx, c.end+1, readEntries, readBytes)
		if err != nil || len(got) == 0 {
			return err
		}
		for _, st := range got {
			if st.Seq > upTo {
				return nil
			}
			e, err := decodeEntry(st.Data)
			if err != nil {
				return fmt.Errorf("log sequence %d: %w", st.Seq, err)
			}
			c.slog.Warn("a commit that was answered with an error is stored", "log", st.Seq)
			c.stored([]uint64{st.Seq}, []*entry{e})
			c.last[e.Source] = st.Seq
			c.end = st.Seq
		}
	}
	return nil
}
