package relay

import "sync"

// publishing knows the ids of files that are on their way into the log. A file
// takes several commits; what mentions an object of a later one waits for it,
// so that nothing leaves for want of knowing what it refers to.
type publishing struct {
	mu  sync.Mutex
	ids map[string]int // how many files have it
}

func (p *publishing) begin(ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ids == nil {
		p.ids = map[string]int{}
	}
	for _, id := range ids {
		p.ids[id]++
	}
}

func (p *publishing) end(ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		if p.ids[id]--; p.ids[id] <= 0 {
			delete(p.ids, id)
		}
	}
}

func (p *publishing) has(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ids[id] > 0
}

// news tells whoever waits for frames that something may have changed: the log
// has grown and the index knows of it, or a file is published.
type news struct {
	mu sync.Mutex
	ch chan struct{}
}

// next returns a channel that is closed with the next news. Take it first, then
// look, then wait.
func (n *news) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch == nil {
		n.ch = make(chan struct{})
	}
	return n.ch
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch != nil {
		close(n.ch)
		n.ch = nil
	}
}
