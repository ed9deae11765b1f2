package bench

import (
	"io"
	"net"
	"sync"
	"time"
)

// Late copies one way as a long line does: each byte comes through after the
// delay, and the next ones need not wait for it. It returns when from ends, or
// nothing can be written any more and from ends.
func Late(to io.Writer, from io.Reader, delay time.Duration) {
	type chunk struct {
		data []byte
		due  time.Time
	}
	under := make(chan chunk, 1<<14)
	go func() {
		defer close(under)
		for {
			b := make([]byte, 32<<10)
			n, err := from.Read(b)
			if n > 0 {
				under <- chunk{b[:n], time.Now().Add(delay)}
			}
			if err != nil {
				return
			}
		}
	}()
	broken := false
	for c := range under {
		wait := time.NewTimer(time.Until(c.due))
		<-wait.C
		if !broken {
			_, err := to.Write(c.data)
			broken = err != nil
		}
	}
}

// line is a TCP proxy on loopback through which everything comes late.
type line struct {
	delay time.Duration // one way

	mu        sync.Mutex
	listeners []net.Listener
	conns     []net.Conn
	closed    bool
	wg        sync.WaitGroup
}

// to opens the line to a target, and returns where to dial it.
func (l *line) to(target string) (string, error) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	l.mu.Lock()
	l.listeners = append(l.listeners, at)
	l.mu.Unlock()
	l.wg.Go(func() {
		for {
			in, err := at.Accept()
			if err != nil {
				return // closed
			}
			out, err := net.Dial("tcp", target)
			if err != nil || !l.keep(in, out) {
				in.Close() // nobody is there, or the line is down
				if out != nil {
					out.Close()
				}
				continue
			}
			l.wg.Go(func() { l.carry(in, out) })
			l.wg.Go(func() { l.carry(out, in) })
		}
	})
	return at.Addr().String(), nil
}

// keep remembers connections, to close them; false once the line is down.
func (l *line) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conns...)
	return !l.closed
}

// carry copies one way; when that ends, so does the other.
func (l *line) carry(to, from net.Conn) {
	Late(to, from, l.delay)
	to.Close()
	from.Close()
}

// close takes the line down.
func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	for _, at := range l.listeners {
		at.Close()
	}
	for _, c := range l.conns {
		c.Close()
	}
	l.mu.Unlock()
	l.wg.Wait()
}
