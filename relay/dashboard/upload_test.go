package dashboard

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestUploadsShareTheirRoom: what lies in memory of files is bounded, small ones
// go on beside each other, and who gives up takes no place.
func TestUploadsShareTheirRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u uploads
		ctx := t.Context()
		var done []func()
		for range maxUploads {
			d, err := u.take(ctx, 1000)
			if err != nil {
				t.Fatal(err)
			}
			done = append(done, d)
		}
		came := make(chan string, 3)
		take := func(ctx context.Context, name string, size int64, keep bool) {
			go func() {
				d, err := u.take(ctx, size)
				if err != nil {
					came <- name + " gave up"
					return
				}
				came <- name
				if !keep {
					d()
				}
			}()
			synctest.Wait()
		}
		left, leave := context.WithCancel(ctx)
		take(left, "first", MaxUpload, false)
		take(ctx, "second", -1, true)
		take(ctx, "third", 0, true)
		if len(came) > 0 {
			t.Fatalf("%s took room that was not there", <-came)
		}
		done[0]()
		synctest.Wait()
		leave()
		if got := <-came; got != "first gave up" {
			t.Fatal(got)
		}
		for _, d := range done[1:] {
			d()
		}
		if got := <-came; got != "second" {
			t.Fatal(got)
		}
		synctest.Wait()
		if len(u.parts) != maxUploads || len(came) > 0 {
			t.Errorf("%d of %d parts are taken, %d came beside a file of unknown length", len(u.parts), maxUploads, len(came))
		}
		<-u.parts
		if got := <-came; got != "third" {
			t.Fatal(got)
		}
	})
}
