package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAmberGoesOnToADeclaredClient publishes TLP:AMBER at DE. PL is its first
// recipient and may give it to its own clients; who is one, PL's terms say.
func TestAmberGoesOnToADeclaredClient(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped with -short: three nodes, and what they do is in the tests of borders too")
	}
	for _, client := range []bool{true, false} {
		text := terms(t, "pl-cert", "jp-carrier")
		if client {
			if !strings.Contains(text, "clients: []") {
				t.Fatal("the sample terms no longer have an empty list of clients")
			}
			text = strings.Replace(text, "clients: []", "clients: [jp-carrier]", 1)
		}
		de := newRegion(t, regionSpec{id: "de-cert", country: "DE", accept: accepted})
		pl := newRegion(t, regionSpec{id: "pl-cert", country: "PL", accept: accepted})
		jp := newRegion(t, regionSpec{id: "jp-carrier", country: "JP"})
		de.accept(pl, terms(t, "de-cert", "pl-cert"), "")
		de.start()
		pl.accept(de, terms(t, "pl-cert", "de-cert"), "tls://"+de.node.LeafAddr())
		pl.accept(jp, text, "")
		pl.start()
		jp.accept(pl, terms(t, "jp-carrier", "pl-cert"), "tls://"+pl.node.LeafAddr())
		jp.know(de)
		jp.start()
		amber := sampleFeed(t, "4-audiences.json")
		if _, err := de.node.Publish(t.Context(), "amber", "", amber); err != nil {
			t.Fatal(err)
		}
		settled(t, de.node, pl.id, 30*time.Second)
		settled(t, pl.node, jp.id, 30*time.Second)
		got := 0
		for _, a := range arrivals(t, jp.node) {
			if a.Marking.From == "TLP:AMBER" {
				got++
			}
		}
		if want := map[bool]int{true: 2, false: 0}[client]; got != want {
			t.Errorf("client %v: %d objects marked TLP:AMBER arrived, want %d", client, got, want)
		}
	}
}

// sampleFeed reads one file of the demonstration's feed.
func sampleFeed(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "relay", "demo", "feed", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
