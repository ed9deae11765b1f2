package intake

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/entente-relay/entente/federation"
)

// Whatever comes in: no crash, and every object taken, held or refused with a
// reason, by the same count.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) < 4 {
		f.Fatalf("only %d seeds: %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		counts := [2]int{}
		for i, p := range []*Profile{nil, amberFeed()} {
			res, err := Read(data, "fuzz", p, now)
			if err != nil {
				if federation.ReasonOf(err) == "" {
					t.Fatalf("refused without a reason: %v", err)
				}
				return
			}
			addUp(t, res)
			counts[i] = len(res.Items)
			ordinary, restricted := Group(res.Taken, isRed)
			checkGroups(t, res.Taken, ordinary, restricted, false)
		}
		if counts[0] != counts[1] {
			t.Fatalf("%d items without a profile, %d with one", counts[0], counts[1])
		}
	})
}
