package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestAppendAndRead(t *testing.T) {
	b := start(t, newID(t, "aa").config(t))
	s := b.Log()
	if got, err := s.Read(within(t), 1, 10, 0); err != nil || len(got) != 0 {
		t.Fatalf("read of the empty log: %v %v", got, err)
	}
	before := time.Now().Add(-time.Minute)
	for i, n := range []int{1, 3, MaxBatch} {
		last, err := s.Append(within(t), records(n, fmt.Sprintf("source.%d", i), 100))
		if want := []uint64{1, 4, 4 + MaxBatch}[i]; err != nil || last != want {
			t.Fatalf("batch of %d: last %d, %v, want %d", n, last, err, want)
		}
	}
	got, err := s.Read(within(t), 2, 5, 0)
	if err != nil || len(got) != 5 {
		t.Fatalf("read: %d records, %v", len(got), err)
	}
	for i, r := range got {
		subject, n := "source.1", i
		if i >= 3 {
			subject, n = "source.2", i-3
		}
		want := records(n+1, subject, 100)[n]
		if r.Seq != uint64(i+2) || r.Subject != subject || !bytes.Equal(r.Data, want.Data) || r.Time.Before(before) {
			t.Errorf("record %d: %d %s %q %v", i, r.Seq, r.Subject, r.Data[:12], r.Time)
		}
	}
	if got, err = s.Read(within(t), 1, 0, 250); err != nil || len(got) == 0 || len(got) > 4 {
		t.Errorf("read of 250 bytes: %d records, %v", len(got), err)
	}
	if got, err = s.Read(within(t), 5000, 1, 0); err != nil || len(got) != 0 {
		t.Errorf("read beyond the end: %v %v", got, err)
	}
	last, ok, err := s.Last(within(t), "source.1")
	if err != nil || !ok || last.Seq != 4 || !bytes.Equal(last.Data, records(3, "source.1", 100)[2].Data) {
		t.Errorf("last: %+v %v %v", last, ok, err)
	}
	if _, ok, err := s.Last(within(t), "nobody"); ok || err != nil {
		t.Errorf("last of an unknown subject: %v %v", ok, err)
	}
	st, err := s.State(within(t))
	if err != nil || st.First != 1 || st.Last != 4+MaxBatch || st.Messages != 4+MaxBatch {
		t.Errorf("state %+v %v", st, err)
	}
}

func TestAppendIsAllOrNothing(t *testing.T) {
	b := start(t, newID(t, "aa").config(t))
	s := b.Log()
	if _, err := s.Append(within(t), records(2, "a", 10)); err != nil {
		t.Fatal(err)
	}
	bad := records(5, "b", 10)
	bad[4] = Record{Subject: "a", Data: []byte("x"), ExpectLastSubject: ptr(1)} // it is 2
	for name, c := range map[string]struct {
		batch []Record
		want  error
	}{
		"conflict at the end": {bad, ErrConflict},
		"too many":            {records(MaxBatch+1, "b", 1), ErrTooLarge},
		"too large":           {append(records(1, "b", 1), Record{Subject: "b", Data: make([]byte, MaxRecord+1)}), ErrTooLarge},
		"no subject":          {append(records(1, "b", 1), Record{}), nil},
		"wildcard":            {append(records(1, "b", 1), Record{Subject: "b.>"}), nil},
		"control subject":     {append(records(1, "b", 1), Record{Subject: "b\r\nPUB x"}), nil},
		"expected twice":      {append(records(1, "b", 1), Record{Subject: "b", ExpectLastSubject: ptr(0)}), nil},
	} {
		if _, err := s.Append(within(t), c.batch); err == nil || (c.want != nil && !errors.Is(err, c.want)) || errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
		if st, err := s.State(within(t)); err != nil || st.Messages != 2 {
			t.Fatalf("%s: %d records are stored, %v", name, st.Messages, err)
		}
	}
	good := []Record{
		{Subject: "b", Data: []byte("1"), ExpectLastSubject: ptr(0)},
		{Subject: "a", Data: []byte("2"), ExpectLastSubject: ptr(2)},
		{Subject: "b", Data: []byte("3")},
	}
	if last, err := s.Append(within(t), good); err != nil || last != 5 {
		t.Errorf("batch with expectations that hold: %d %v", last, err)
	}
	if _, err := s.Append(within(t), []Record{{Subject: "a", ExpectLastSubject: ptr(2)}}); !errors.Is(err, ErrConflict) {
		t.Errorf("single record with a stale expectation: %v", err)
	}
	if last, err := s.Append(within(t), []Record{{Subject: "a", ExpectLastSubject: ptr(4)}}); err != nil || last != 6 {
		t.Errorf("single record with the right expectation: %d %v", last, err)
	}
	if last, err := s.Append(within(t), nil); err != nil || last != 0 {
		t.Errorf("empty batch: %d %v", last, err)
	}
}

// Largest records pass, so MaxRecord leaves enough room for headers.
func TestLargestRecord(t *testing.T) {
	b := start(t, newID(t, "aa").config(t))
	batch := []Record{{Subject: "s", Data: bytes.Repeat([]byte("x"), MaxRecord), ExpectLastSubject: ptr(0)}, {Subject: "s", Data: bytes.Repeat([]byte("y"), MaxRecord)}}
	if _, err := b.Log().Append(within(t), batch); err != nil {
		t.Fatal(err)
	}
	got, err := b.Log().Read(within(t), 1, 2, 0)
	if err != nil || len(got) != 2 || !bytes.Equal(got[1].Data, batch[1].Data) {
		t.Errorf("read back %d records: %v", len(got), err)
	}
}

func TestConcurrentAppendsAndReads(t *testing.T) {
	b := start(t, newID(t, "aa").config(t))
	s := b.Log()
	const writers, each, size = 4, 10, 7
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range each {
				if _, err := s.Append(within(t), records(size, fmt.Sprintf("w%d", w), 20)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	// A reader that follows sees whole batches in order, without a hole.
	var next uint64 = 1
	limit := within(t)
	for reading := true; reading; {
		got, err := s.Read(limit, next, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got {
			if r.Seq != next {
				t.Fatalf("record %d where %d was due", r.Seq, next)
			}
			next++
		}
		if (next-1)%size != 0 {
			t.Fatalf("saw %d records: half a batch", next-1)
		}
		if next-1 == writers*each*size {
			break
		}
		select {
		case <-done:
			reading = next-1 < writers*each*size
		default:
		}
	}
	<-done
	if next-1 != writers*each*size {
		t.Errorf("read %d of %d", next-1, writers*each*size)
	}
}

func TestDelete(t *testing.T) {
	c := newID(t, "aa").config(t)
	b := start(t, c)
	s := b.Log()
	if _, err := s.Append(within(t), records(3, "a", 10)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Delete(within(t), 2); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Read(within(t), 1, 0, 0)
	if err != nil || len(got) != 2 || got[0].Seq != 1 || got[1].Seq != 3 {
		t.Errorf("after delete: %+v %v", got, err)
	}
}

func TestFullJournalRefuses(t *testing.T) {
	c := newID(t, "aa").config(t)
	c.JournalMaxBytes = 64 << 10
	b := start(t, c)
	var err error
	for range 10 {
		if _, err = b.Journal().Append(within(t), records(8, "d", 4<<10)); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("journal beyond its limit: %v", err)
	}
	st, serr := b.Journal().State(within(t))
	if serr != nil || st.First != 1 || st.Messages%8 != 0 || st.Messages == 0 {
		t.Errorf("journal after the refusal: %+v %v", st, serr)
	}
	// The log has room of its own, and drops its oldest.
	if _, err := b.Log().Append(within(t), records(1, "d", 10)); err != nil {
		t.Error(err)
	}
}

func TestLogDropsOldest(t *testing.T) {
	c := newID(t, "aa").config(t)
	c.LogMaxBytes = 64 << 10
	b := start(t, c)
	for range 20 {
		if _, err := b.Log().Append(within(t), records(4, "d", 4<<10)); err != nil {
			t.Fatal(err)
		}
	}
	st, err := b.Log().State(within(t))
	if err != nil || st.First == 1 || st.Last != 80 || st.Bytes > 64<<10 {
		t.Errorf("log: %+v %v", st, err)
	}
	got, err := b.Log().Read(within(t), 1, 1, 0)
	if err != nil || len(got) != 1 || got[0].Seq != st.First {
		t.Errorf("read from before the first: %+v %v", got, err)
	}
}

func TestCancelledAppendIsUnknown(t *testing.T) {
	b := start(t, newID(t, "aa").config(t))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.Log().Append(ctx, records(1, "a", 1)); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
	// What happened is found out by reading.
	if _, _, err := b.Log().Last(within(t), "a"); err != nil {
		t.Error(err)
	}
}
