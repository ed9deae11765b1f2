package bus

import (
	"fmt"
	"log/slog"
)

// maxLogLine bounds one line of the server's log: a hostile peer can put long
// names into some of them.
const maxLogLine = 512

// serverLog passes what the server says on to slog. Debug and trace lines,
// which would hold subjects and payloads, are never switched on.
type serverLog struct {
	to *slog.Logger
	// fatal gets the first message after which the server cannot go on; the
	// server itself would end the process.
	fatal chan string
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

func (l *serverLog) Noticef(format string, v ...any) { l.to.Debug(line(format, v)) }
func (l *serverLog) Warnf(format string, v ...any)   { l.to.Warn(line(format, v)) }
func (l *serverLog) Errorf(format string, v ...any)  { l.to.Error(line(format, v)) }
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
