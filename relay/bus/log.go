package bus

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Whoever reaches the leaf port can make the server log something. These bound
// what comes of it: bytes a line, and lines a second.
const (
	maxLogLine = 512
	maxLogRate = 20
)

// serverLog passes what the server says on to slog. Debug and trace lines,
// which would hold subjects and payloads, are never switched on.
type serverLog struct {
	to *slog.Logger
	// fatal gets the first message after which the server cannot go on; the
	// server itself would end the process.
	fatal chan string

	mu         sync.Mutex
	second     time.Time // the second that is being counted
	lines      int
	suppressed int
}

func newServerLog(to *slog.Logger) *serverLog {
	return &serverLog{to: to.With("part", "nats"), fatal: make(chan string, 1)}
}

func line(format string, v []any) string {
	s := fmt.Sprintf(format, v...)
	if len(s) > maxLogLine {
		s = s[:maxLogLine] + "..."
	}
	return s
}

// print passes a line on unless this second has had its share.
func (l *serverLog) print(to func(string, ...any), format string, v []any) {
	l.mu.Lock()
	if now := time.Now(); now.Sub(l.second) >= time.Second {
		if l.suppressed > 0 {
			l.to.Warn("lines of the server's log were left out", "count", l.suppressed)
		}
		l.second, l.lines, l.suppressed = now, 0, 0
	}
	l.lines++
	if l.lines > maxLogRate {
		l.suppressed++
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	to(line(format, v))
}

func (l *serverLog) Noticef(format string, v ...any) { l.to.Debug(line(format, v)) }
func (l *serverLog) Warnf(format string, v ...any)   { l.print(l.to.Warn, format, v) }
func (l *serverLog) Errorf(format string, v ...any)  { l.print(l.to.Error, format, v) }
func (l *serverLog) Debugf(string, ...any)           {}
func (l *serverLog) Tracef(string, ...any)           {}

func (l *serverLog) Fatalf(format string, v ...any) {
	s := line(format, v)
	l.to.Error(s)
	select {
	case l.fatal <- s:
	default: // the first one tells
	}
}
